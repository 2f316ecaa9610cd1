@0xe20b6d94f7c1a385;
# What the actor `/links` (runtime/net) does for the domains of its own node, and what it asks of them.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/annotations.capnp".Role;
using import "/messages/common.capnp".Contact;
using import "/messages/common.capnp".Error;
$Cxx.namespace("troupe::net::wire");

struct Dial $kind(bytesMax = 512) {
  # Asks for a link in the role of this node. Answered by Dialled when it is up, also if it was up before.
  # Errors: `unavailable` if no node answers by the deadline of the question, `refused` if another id answers or the
  # other side refuses the link, as the message says; `conflict` if it is this node itself.

  pinned @0 :Data;
  # The id that must answer: 20 bytes; empty: any node.

  address @1 :Text;
  # "HOST:PORT", at most 300 bytes.
}

struct Dialled $kind(bytesMax = 256) {
  # The answer to Dial.

  contact @0 :Contact;
  # The node that answered. Its address is the one that was dialled.
}

struct HangUp $kind(bytesMax = 256) {
  # Ends the link to a node after its queue has been sent. Without a link nothing happens.

  node @0 :Data;
  # 20 bytes.

  reason @1 :Text;
  # For the log of this node; at most 200 bytes are kept.
}

struct FollowLinks $kind(bytesMax = 64) {
  # The sender will be told LinkUp and LinkDown of links in the role `peer`: first of those that are up.

  again @0 :Bool;
  # The sender followed before, and only makes sure that it still does: a follower is told nothing twice.
}

struct LinkUp $kind(lane = control, bytesMax = 256) {
  # Tells a follower that a link is in service.

  contact @0 :Contact;
  # Key and nonce as proven; the address is the one dialled, or where its stream comes from. The port of such a stream
  # cannot be dialled.

  outbound @1 :Bool;
  # Whether this node dialled.
}

struct LinkDown $kind(lane = control, bytesMax = 1024) {
  # Tells a follower that a link has ended.

  node @0 :Data;
  reason @1 :Text;

  hungUp @2 :Bool;
  # The other node ended it, and said so.

  lost @3 :Bool;
  # Neither side has hung up, and no other link to that node has replaced it.

  address @4 :Text;
  # As LinkUp had it. For the log.
}

struct LinkMade $kind(lane = control, bytesMax = 2048) {
  # A peer actor tells `/links` that its link came into service, or that it never will.

  serial @0 :UInt64;
  # Of the link in its pool.

  result :union {
    up @1 :LinkUp;
    failed @2 :Error;
    # `unavailable`: no node answered; `refused`: the wrong node did, or a node that refuses us; `conflict`: this node.
    ended @3 :LinkDown;
    twin @4 :LinkUp;
    # It gave way to a duplicate link to the same node, which is in service.
  }

  node @5 :Data;
  # The node at the other end: 20 bytes; empty if it failed.
}

struct GiveWay $kind(lane = control, bytesMax = 64) {
  # Tells a peer actor that another link to the same node is in service. It finishes what is in flight, then ends.
}

struct ListLinks $kind(from = [view, operate], bytesMax = 64) {
  # Asks for all links. Answered by LinkRows.
}

struct LinkRows $kind(from = [peer, view, operate], bytesMax = 1048576) {
  # The answer to ListLinks.

  links @0 :List(LinkRow);
  seats @1 :UInt32;
  # Connections that were accepted: links in service or about to end, and unfinished handshakes.
  handshakes @2 :UInt32;
  # Of them, unfinished handshakes.
}

struct LinkRow {
  node @0 :Data;
  address @1 :Text;
  role @2 :Role;
  # Of the side that dialled.
  outbound @3 :Bool;
  sent @4 :UInt64;
  received @5 :UInt64;
  # Bytes as encrypted.
  upMs @6 :UInt64;
}

struct WhereIs $kind(bytesMax = 64) {
  # The runtime asks the actor `/peers` where a node can be dialled.
  # Answered by Whereabouts, or `not_found`.

  node @0 :Data;
}

struct Whereabouts $kind(bytesMax = 256) {
  # The answer to WhereIs.

  contact @0 :Contact;
}

struct NotThere $kind(lane = control, bytesMax = 256) {
  # The runtime tells the actor `/peers` that a dial to the address of Whereabouts failed. Not sent for dials that
  # `/peers` itself asked for: it gets the answer to Dial. Also sent when another running node has proven this node's own
  # key: `ourselves`, with that key.

  contact @0 :Contact;
  # As Whereabouts had it.

  met @1 :Met;

  enum Met {
    nobody @0;
    # No node answered, or none that completed the handshake.
    another @1;
    # The node that answered has another id.
    ourselves @2;
    # This node itself answered.
  }
}

struct Shun $kind(lane = control, bytesMax = 128) {
  # `/peers` tells `/links`, and `/links` its followers, that a node is banned for a while: no link to it comes into
  # service, it is not dialled, and no datagram of it is opened or sent.

  node @0 :Data;
  # 20 bytes.

  milliseconds @1 :UInt64;
  # From now on. Zero: the ban is lifted.
}

struct Misbehaved $kind(bytesMax = 512) {
  # The runtime, or a domain of this node, reports a violation by another node to `/peers`. Only for what that node has
  # sent over a link or sealed in a datagram, and not for what others could have forged in its name.

  node @0 :Data;
  # 20 bytes.

  how @1 :Violation;
  what @2 :Text;
  # For the log: at most 200 bytes are kept.
}

enum Violation {
  # A violation. Its points: `actors/peers/logic/peer_scores.hpp`.

  malformed @0;
  # A message that breaks its schema or its rules.
  protocol @1;
  # Frames or conversations that break the protocol of the link.
  forbidden @2;
  # A kind of message that its role may not send.
  flooding @3;
  # Kept asking many times faster than its rate, although it was answered `overloaded`.
  unprovenContact @4;
  # Passed on a contact without the work of its id.
  tooMany @5;
  # Passed on more contacts than were asked for.
  badRecord @6;
  # Stored, or answered with, a record that is invalid at any time.
  wrongToken @7;
  # Asked to store with a token that it was never given.
}

struct DatagramsState $kind(from = [view, operate], bytesMax = 1024) {
  # What the inspector shows of `/datagrams`. Counts since it started.

  address @0 :Text;
  # "HOST:PORT" that it listens at; empty: it cannot, and all questions go over links.

  asked @1 :UInt64;
  answered @2 :UInt64;
  # Questions of this node that were sent, and how many of them were answered.
  served @3 :UInt64;
  # Questions of other nodes that reached an actor.
  cookies @4 :UInt64;
  # Sent to addresses that were not proven.
  agreements @5 :UInt64;
  # Key agreements computed for nodes that this node had not asked.

  sessions @6 :UInt32;
  # Nodes whose keys are at hand.
  waiting @7 :UInt32;
  serving @8 :UInt32;
  # Questions of this node, and of other nodes, that wait for answers.

  broken @9 :UInt64;
  forged @10 :UInt64;
  unasked @11 :UInt64;
  # Datagrams that were malformed, did not open, or answered no question.
  refused @12 :UInt64;
  # Questions dropped unread: budgets, rates, work, bans, and repeated questions.
  crowded @13 :UInt64;
  # Questions dropped because too many were being served.
  overLinks @14 :UInt64;
  # Questions that went over a link instead.
  unsent @15 :UInt64;
  unread @16 :UInt64;
  # Datagrams for which the system or this actor had no room.
}
