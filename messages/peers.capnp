@0x81325cf93f1af1c6;
# Messages between nodes about peers, and requests of operators about peers; all at `/peers`.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/common.capnp".Contact;
$Cxx.namespace("troupe::peers::wire");

struct Ping $kind(lane = control, from = [peer], bytesMax = 128) {
  # Asks a linked peer whether it still works: when the link is up, then every minute, and 10 s after a miss. Answered
  # by Pong within 5 s. The third miss in a row ends the link.

  self @0 :Contact;
  # The address at which the sender can be dialled. Key and nonce must match the link, otherwise the message is
  # `malformed`. An unspecified address with a port means the address from which this link comes. Absent, or port 0: the
  # sender cannot be dialled.

  seen @1 :Data;
  # The receiver's address as the sender sees it: the address from which their link comes, or which the sender dialled.
  # The 16 bytes of an IPv6 address, IPv4 in its mapped form; another length: unknown.

  elsewhere @2 :Bool;
  # Within the last ten minutes another running node has proven the sender's own key.
}

struct Pong $kind(lane = control, from = [peer], bytesMax = 128) {
  # Answers Ping.

  self @0 :Contact;
  # As in Ping, for the answering node.

  seen @1 :Data;
  # As in Ping.

  dateS @2 :UInt32;
  # The date of the answering node, in seconds since 1970. 0: not given.

  beforePort @3 :UInt16;
  before0 @4 :UInt64;
  before1 @5 :UInt64;
  # If the requester now names another address than before: the earlier address that the answering node knew, each word
  # little-endian, as in Contact; otherwise port 0. The requester dials that address, because another running node there
  # may use its identity.
}

struct Exchange $kind(from = [peer], bytesMax = 64) {
  # Requests some working peers from a peer. Answered by Contacts.

  contactsMax @0 :UInt8 = 20;
  # How many the sender can use, 1 to 20. Zero is `malformed`; more counts as 20.
}

struct Contacts $kind(from = [peer], bytesMax = 2048) {
  # Answers Exchange.

  list @0 :List(Contact);
  # A random sample in random order, without the requester: at most as many as requested, and at most 20. More contacts
  # are a violation, and so is a contact that cannot be dialled or whose id lacks the required work.
}

struct ListKnown $kind(bytesMax = 64) {
  # Another domain of this node requests all nodes to which a link is allowed. Answered by KnownContacts.
}

struct KnownContacts $kind(bytesMax = 65536) {
  # Answers ListKnown.

  list @0 :List(Contact);
  # At most 1000 (`peers.known_max`), by id, without this node and banned nodes. Port 0: the node is linked, and can
  # only be reached through that link.

  untried @1 :Bool;
  # More may be known soon: a seed has not been tried yet.
}

struct WhereAmI $kind(bytesMax = 64) {
  # Another domain of this node asks for the address at which other nodes can dial it. Answered by OwnPlace.
}

struct OwnPlace $kind(bytesMax = 128) {
  # Answers WhereAmI.

  contact @0 :Contact;
  # Port 0: it cannot be dialled, or its address is not known yet.
}

struct ListPeers $kind(from = [view, operate], bytesMax = 64) {
  # An operator requests all known peers. Answered by PeerRows.

  healthyOnly @0 :Bool;
}

struct PeerRows $kind(from = [peer, view, operate], bytesMax = 524288) {
  # Answers ListPeers.

  peers @0 :List(PeerRow);
  # By id, at most 2000: up to `peers.known_max` nodes of the address book, linked peers for which it has no space, and
  # banned nodes that it does not have.
}

struct PeerRow {
  # A line of `troupe peers`.

  node @0 :Data;
  # Its id: 20 bytes.

  address @1 :Text;
  # "HOST:PORT" at which it can be dialled; otherwise the address from which its link comes; otherwise empty.

  state @2 :PeerState;
  rttMs :union {
    # Smoothed round trip of a ping.

    none @3 :Void;
    value @4 :Float64;
  }
  direction @5 :LinkDirection;
  sent @6 :UInt64;
  received @7 :UInt64;
  # Bytes of its current link, as encrypted; 0 without a link.

  score @8 :UInt32;
  # Points for violations, less forgiven points. At 100 the peer is banned, and starts again at 0.

  bannedForMs :union {
    # Remaining time of its ban.

    none @9 :Void;
    value @10 :UInt64;
  }
  lastHeardMs :union {
    # Time since this node last received from it.

    none @11 :Void;
    # Never.
    value @12 :UInt64;
  }
}

enum PeerState {
  known @0;
  # No link.
  dialling @1;
  linked @2;
  # A link that has not answered a ping yet.
  healthy @3;
  # Its last ping was answered in time.
  unhealthy @4;
  # Its last ping was not answered in time.
  banned @5;
}

enum LinkDirection {
  none @0;
  outbound @1;
  # This node dialled.
  inbound @2;
}

struct ConnectPeer $kind(from = [operate], bytesMax = 512) {
  # An operator requests a link. Answered by Connected when the link is up. If the target names an id, lifts a ban of
  # that id.

  target @0 :Text;
  # "[ID@]HOST:PORT", at most 300 bytes, otherwise `malformed`. Errors: `conflict` if that id is linked or is this node
  # itself, `overloaded`, `unavailable` if no node answers, `refused` if a node with another id answers or the node
  # refuses this node.
}

struct Connected $kind(from = [peer, view, operate], bytesMax = 256) {
  # Answers ConnectPeer.

  node @0 :Data;
  # The id that answered: 20 bytes.

  address @1 :Text;
  # Its address: "HOST:PORT", numeric.
}

struct DropPeer $kind(from = [operate], bytesMax = 128) {
  # An operator ends a link; the peer is refused for ten minutes. Answered by Nothing; `not_found` without a link.

  node @0 :Data;
  # 20 bytes, otherwise `malformed`.
}

struct ForgetPeer $kind(from = [operate], bytesMax = 128) {
  # Removes a peer that will not return: the node no longer lists, dials or expects it. Answered by Nothing, by
  # `not_found`, or by `conflict` while it is linked.

  node @0 :Data;
}

struct PardonPeer $kind(from = [operate], bytesMax = 128) {
  # An operator lifts a ban, clears the score, and lets a dropped peer back. Answered by Nothing; `not_found` if there
  # is nothing to lift.

  node @0 :Data;
  # 20 bytes, otherwise `malformed`.
}

struct PeersState $kind(from = [peer, view, operate], bytesMax = 256) {
  # The inspector's view of `/peers`.

  loading @0 :Bool;
  # Rows are still being loaded; nothing is dialled before.

  known @1 :UInt32;
  dialling @2 :UInt32;
  linked @3 :UInt32;
  healthy @4 :UInt32;
  unhealthy @5 :UInt32;
  banned @6 :UInt32;
  # How many peers are in each PeerState.

  wakeMs :union {
    # Time until `/peers` next acts by itself.

    none @7 :Void;
    value @8 :UInt64;
  }
  rowsWaiting @9 :UInt32;
  # Rows whose latest state the store does not have yet.

  savesFailed @10 :UInt32;
  # Commits that have failed since this actor's last restart; each is retried.

  offences @11 :UInt64;
  bans @12 :UInt64;
  # Since this actor's last restart.
}
