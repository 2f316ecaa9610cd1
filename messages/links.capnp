@0xe20b6d94f7c1a385;
# Services of the actor `/links` (runtime/net) for the domains of its node, and its requests to them.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/annotations.capnp".Role;
using import "/messages/common.capnp".Contact;
using import "/messages/common.capnp".Error;
$Cxx.namespace("troupe::net::wire");

struct Dial $kind(bytesMax = 512) {
  # Requests a link in the role of this node. Answered by Dialled when the link is up, also if it was up before. Errors:
  # `unavailable` if no node answers by the request's deadline; `refused`, with the reason, if a node with another id
  # answers or the other side refuses the link; `conflict` if the address leads to this node itself.

  pinned @0 :Data;
  # The id that must answer: 20 bytes; empty: any node.

  address @1 :Text;
  # "HOST:PORT", at most 300 bytes.
}

struct Dialled $kind(bytesMax = 256) {
  # The answer to Dial.

  contact @0 :Contact;
  # The node that answered. Its address is the dialled address.
}

struct HangUp $kind(bytesMax = 256) {
  # Ends the link to a node after its queue has been sent. Does nothing without a link.

  node @0 :Data;
  # 20 bytes.

  reason @1 :Text;
  # For the log of this node; at most 200 bytes are kept.
}

struct FollowLinks $kind(bytesMax = 64) {
  # Subscribes the sender to LinkUp and LinkDown of links in the role `peer`, beginning with the links that are up.

  again @0 :Bool;
  # The sender was a follower before, and only ensures that it still is. A follower is not notified twice of the same
  # event.
}

struct LinkUp $kind(lane = control, bytesMax = 256) {
  # Notifies a follower that a link is in service.

  contact @0 :Contact;
  # Key and nonce are proven. The address is the dialled address, or for an accepted link the address from which its
  # stream comes, whose port cannot be dialled.

  outbound @1 :Bool;
  # Whether this node dialled.
}

struct LinkDown $kind(lane = control, bytesMax = 1024) {
  # Notifies a follower that a link has ended.

  node @0 :Data;
  reason @1 :Text;

  hungUp @2 :Bool;
  # The other node ended the link, with a CLOSE.

  lost @3 :Bool;
  # Neither side has hung up, and no other link to that node has replaced it.

  address @4 :Text;
  # As in LinkUp. For the log.
}

struct LinkMade $kind(lane = control, bytesMax = 2048) {
  # A peer actor reports to `/links` that its link came into service, or that it never will.

  serial @0 :UInt64;
  # Serial number of the link in its pool.

  result :union {
    up @1 :LinkUp;
    failed @2 :Error;
    # `unavailable`: no node answered; `refused`: the wrong node answered, or a node that refuses this node; `conflict`:
    # this node.
    ended @3 :LinkDown;
    twin @4 :LinkUp;
    # The link yielded to another link to the same node, which is in service.
  }

  node @5 :Data;
  # The node at the other end: 20 bytes; empty if it failed.
}

struct GiveWay $kind(lane = control, bytesMax = 64) {
  # Notifies a peer actor that another link to the same node is in service. It finishes its messages in flight, then
  # ends.
}

struct ListLinks $kind(from = [view, operate], bytesMax = 64) {
  # Requests all links. Answered by LinkRows.
}

struct LinkRows $kind(from = [peer, view, operate], bytesMax = 1048576) {
  # The answer to ListLinks.

  links @0 :List(LinkRow);
  seats @1 :UInt32;
  # Accepted connections: links in service or about to end, and unfinished handshakes.
  handshakes @2 :UInt32;
  # `seats` with unfinished handshakes.
}

struct LinkRow {
  node @0 :Data;
  address @1 :Text;
  role @2 :Role;
  # Role of the side that dialled.
  outbound @3 :Bool;
  sent @4 :UInt64;
  received @5 :UInt64;
  # Bytes as encrypted.
  upMs @6 :UInt64;
}

struct WhereIs $kind(bytesMax = 64) {
  # The runtime asks the actor `/peers` for the address at which a node can be dialled. Answered by Whereabouts, or
  # `not_found`.

  node @0 :Data;
}

struct Whereabouts $kind(bytesMax = 256) {
  # The answer to WhereIs.

  contact @0 :Contact;
}

struct NotThere $kind(lane = control, bytesMax = 256) {
  # The runtime reports to the actor `/peers` that a dial to the address of Whereabouts failed. Not sent for dials that
  # `/peers` itself requested, because it gets the answer to Dial. Also sent if another running node has proven this
  # node's own key: then `met` is `ourselves`, and the contact has that key.

  contact @0 :Contact;
  # As in Whereabouts.

  met @1 :Met;

  enum Met {
    nobody @0;
    # No node answered, or no node completed the handshake.
    another @1;
    # The node that answered has another id.
    ourselves @2;
    # This node itself answered.
  }
}

struct Shun $kind(lane = control, bytesMax = 128) {
  # `/peers` notifies `/links`, which notifies its followers, that a node is banned for a while: no link to the node
  # comes into service, it is not dialled, its datagrams are not opened, and it is sent no datagrams.

  node @0 :Data;
  # 20 bytes.

  milliseconds @1 :UInt64;
  # From now on. Zero: lifts the ban.
}

struct Misbehaved $kind(bytesMax = 512) {
  # The runtime, or a domain of this node, reports a violation by another node to `/peers`. Only for messages that the
  # other node itself has sent over a link or sealed in a datagram, not for messages that a third node could have
  # forged.

  node @0 :Data;
  # 20 bytes.

  how @1 :Violation;
  what @2 :Text;
  # For the log: at most 200 bytes are kept.
}

enum Violation {
  # A violation. `actors/peers/logic/peer_scores.hpp` has its points.

  malformed @0;
  # A message that violates its schema or its rules.
  protocol @1;
  # Frames or conversations that violate the protocol of the link.
  forbidden @2;
  # A kind of message that its role may not send.
  flooding @3;
  # Kept sending requests at many times the allowed rate, although they were answered `overloaded`.
  unprovenContact @4;
  # Passed on a contact whose id lacks the work.
  tooMany @5;
  # Passed on more contacts than requested.
  badRecord @6;
  # Stored, or answered with, a record that is always invalid.
  wrongToken @7;
  # Sent a store request with a token that it never received.
}

struct DatagramsState $kind(from = [view, operate], bytesMax = 1024) {
  # The inspector's view of `/datagrams`. Counts since it started.

  address @0 :Text;
  # "HOST:PORT" at which it listens; empty: it cannot listen, and all requests use links.

  asked @1 :UInt64;
  answered @2 :UInt64;
  # Requests that this node has sent, and how many of them were answered.
  served @3 :UInt64;
  # Requests of other nodes that reached an actor.
  cookies @4 :UInt64;
  # Cookies sent to unproven addresses.
  agreements @5 :UInt64;
  # Key agreements computed for nodes to which this node had sent no request.

  sessions @6 :UInt32;
  # Nodes whose keys are stored.
  waiting @7 :UInt32;
  serving @8 :UInt32;
  # Pending requests of this node, and of other nodes.

  broken @9 :UInt64;
  forged @10 :UInt64;
  unasked @11 :UInt64;
  # Datagrams that were malformed, did not open, or answered no request.
  refused @12 :UInt64;
  # Requests dropped unread because of budgets, rates, missing work, bans, or repetition.
  crowded @13 :UInt64;
  # Requests dropped because too many were in progress.
  overLinks @14 :UInt64;
  # Requests that used a link instead.
  unsent @15 :UInt64;
  unread @16 :UInt64;
  # Datagrams for which the system or this actor had no buffer space.
}
