@0x81325cf93f1af1c6;
# What nodes say to each other about who is there, and what operators ask about it.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/common.capnp".Contact;
$Cxx.namespace("troupe::peers::wire");

struct Ping $kind(lane = control, from = [peer], bytesMax = 128) {
  # Asks a linked peer whether it still works, every minute or so. Answered by Pong at once.

  self @0 :Contact;
  # Where the sender can be dialled. Key and nonce are those of the link, else it is `malformed`. An unspecified
  # address with a port means: at the address that this link comes from. Absent, or port 0: it cannot be dialled.

  seen @1 :Data;
  # At which address the sender sees the receiver: where their link comes from, or where the sender dialled it. The 16
  # bytes of an IPv6 address, IPv4 in its mapped form; of another length: it does not say.
}

struct Pong $kind(lane = control, from = [peer], bytesMax = 128) {
  # Answers Ping.

  self @0 :Contact;
  # As in Ping, of the one that answers.

  seen @1 :Data;
  # As in Ping.
}

struct Exchange $kind(from = [peer], bytesMax = 64) {
  # Asks a peer for some peers that it knows to work. Answered by Contacts.

  contactsMax @0 :UInt8 = 20;
  # How many the sender can use, 1 to 20. Zero is `malformed`; more counts as 20.
}

struct Contacts $kind(from = [peer], bytesMax = 2048) {
  # Answers Exchange.

  list @0 :List(Contact);
  # A random sample in random order, at most as many as were asked for and 20 in any case: more is an offence, and
  # so is a contact that cannot be dialled or whose id lacks its work. Without the asker itself.
}

struct ListKnown $kind(bytesMax = 64) {
  # Another domain of this node asks for everybody who can be linked to. Answered by KnownContacts.
}

struct KnownContacts $kind(bytesMax = 65536) {
  # Answers ListKnown.

  list @0 :List(Contact);
  # At most 1000 (`peers.known_max`), by id, without this node and without banned ones. Port 0: linked, but it can only
  # be reached through that link.
}

struct WhereAmI $kind(bytesMax = 64) {
  # Another domain of this node asks where others can dial it. Answered by OwnPlace.
}

struct OwnPlace $kind(bytesMax = 128) {
  # Answers WhereAmI.

  contact @0 :Contact;
  # Port 0: nowhere, or it is not known yet.
}

struct ListPeers $kind(from = [view, operate], bytesMax = 64) {
  # An operator asks for all known peers. Answered by PeerRows.

  healthyOnly @0 :Bool;
}

struct PeerRows $kind(from = [peer, view, operate], bytesMax = 524288) {
  # Answers ListPeers.

  peers @0 :List(PeerRow);
  # By id; at most 2000: `peers.known_max`, the links of peers for whom the book has no room, and banned strangers.
}

struct PeerRow {
  # A line of `troupe peers`.

  node @0 :Data;
  # Its id: 20 bytes.

  address @1 :Text;
  # "HOST:PORT" where it can be dialled; where its link comes from if that is not known; else empty.

  state @2 :PeerState;
  rttMs :union {
    # Smoothed round trip of a ping.

    none @3 :Void;
    value @4 :Float64;
  }
  direction @5 :LinkDirection;
  sent @6 :UInt64;
  received @7 :UInt64;
  # Bytes of its present link, as encrypted; 0 without a link.

  score @8 :UInt32;
  # Points for what no honest node does, as forgiven by now. At 100 it is banned, and begins again at 0.

  bannedForMs :union {
    # How long it is refused from now on.

    none @9 :Void;
    value @10 :UInt64;
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
  # Its last ping was not.
  banned @5;
}

enum LinkDirection {
  none @0;
  outbound @1;
  # This node dialled.
  inbound @2;
}

struct ConnectPeer $kind(from = [operate], bytesMax = 512) {
  # An operator wants a link. Answered by Connected when it is up. Lifts a ban of the id that it names.

  target @0 :Text;
  # "[ID@]HOST:PORT", at most 300 bytes, else `malformed`. Errors: `conflict` if that id is linked or this node
  # itself, `overloaded`, `unavailable` if nobody answers, `refused` if another id answers or it does not want us.
}

struct Connected $kind(from = [peer, view, operate], bytesMax = 256) {
  # Answers ConnectPeer.

  node @0 :Data;
  # The id that answered: 20 bytes.

  address @1 :Text;
  # Where: "HOST:PORT", numeric.
}

struct DropPeer $kind(from = [operate], bytesMax = 128) {
  # An operator wants a link to end and to stay away for ten minutes. Answered by Nothing; `not_found` without a link.

  node @0 :Data;
  # 20 bytes, else `malformed`.
}

struct PardonPeer $kind(from = [operate], bytesMax = 128) {
  # An operator lifts a ban, wipes the score and ends the time for which a dropped peer stays away. Answered by Nothing;
  # `not_found` if there is nothing to lift.

  node @0 :Data;
  # 20 bytes, else `malformed`.
}

struct PeersState $kind(from = [peer, view, operate], bytesMax = 256) {
  # What the inspector shows of the actor that answers all of these.

  loading @0 :Bool;
  # Rows are still read from the store; nothing is dialled before that is done.

  known @1 :UInt32;
  dialling @2 :UInt32;
  linked @3 :UInt32;
  healthy @4 :UInt32;
  unhealthy @5 :UInt32;
  banned @6 :UInt32;
  # How many peers are in each PeerState.

  wakeMs :union {
    # When it acts next without being told anything.

    none @7 :Void;
    value @8 :UInt64;
  }
  rowsWaiting @9 :UInt32;
  # Rows that the store does not have yet as they are.

  savesFailed @10 :UInt32;
  # Commits that came to nothing since this actor's last restart; each is tried again.

  offences @11 :UInt64;
  bans @12 :UInt64;
  # Noted since this actor's last restart.
}
