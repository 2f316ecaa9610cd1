@0xe5c1225d1762c313;
# This node's judgement of other nodes: the observed events, and the scores that follow from them. Scores are
# thousandths of a point, 0 to 100,000, as of today.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::reputation::wire");

struct Report $kind(from = [operate], bytesMax = 512) {
  # An operator reports an event of another node's behaviour. Answered by Reported once it is durable; a repeated
  # request gets the same answer. Errors: `not_found` (the id is not in the registry), `malformed` (unknown rule, or
  # points for a rule with fixed points), `conflict` (the request id was used with other content), `refused` (too many
  # events), `unavailable`.

  node @0 :Data;
  event @1 :Text;
  points :union {
    byRule @2 :Void;
    given @3 :Int8;
  }
  evidence @4 :Data;
  # A content id, or empty.
  request @5 :Text;
}

struct Reported $kind(from = [operate], bytesMax = 512) {
  # The answer to Report.

  old @0 :UInt32;
  new @1 :UInt32;
  clamped @2 :Bool;
  id @3 :Data;
}

struct Observe $kind(bytesMax = 512) {
  # Another domain of this node reports one of the seven events. Answered by Reported, as for Report, except that the
  # node need not be in the registry.

  node @0 :Data;
  event @1 :Text;
  evidence @2 :Data;
  request @3 :Text;
  # As for Report: a repeated request counts once.
}

struct GetScore $kind(from = [view, operate], bytesMax = 128) {
  # Requests a node's score. Answered by ScoreIs; a node without events has the initial score.

  node @0 :Data;
}

struct ScoreIs $kind(from = [view, operate], bytesMax = 256) {
  # The answer to GetScore.

  score @0 :UInt32;
  events @1 :UInt32;
  day @2 :UInt64;
  # The day, counted in Unix time, on which the node has this score.
}

struct ListScores $kind(from = [view, operate], bytesMax = 128) {
  # Requests the scores of all nodes with events. Answered by Scores.

  behind @0 :Data;
  # The page starts after this id; empty: at the first.
}

struct Scores $kind(from = [view, operate], bytesMax = 131072) {
  # The answer to ListScores: at most 1,024, by ascending id.

  rows @0 :List(ScoreRow);
  more @1 :Bool;
}

struct ScoreRow {
  node @0 :Data;
  score @1 :UInt32;
  events @2 :UInt32;
}

struct ListEvents $kind(from = [view, operate], bytesMax = 256) {
  # Requests the events of a node, oldest first. Answered by Events.

  node @0 :Data;
  from @1 :Data;
  # `next` of the previous page; empty: from the first event.
}

struct Events $kind(from = [view, operate], bytesMax = 524288) {
  # The answer to ListEvents.

  events @0 :List(Data);
  # At most 1,024: actors/reputation/logic/event.hpp
  next @1 :Data;
  # Empty: this was the last page.
}

struct ReputationState $kind(from = [view, operate], bytesMax = 256) {
  # The inspector's view of `/reputation`.

  nodes @0 :UInt32;
  events @1 :UInt64;
  refused @2 :UInt64;
}
