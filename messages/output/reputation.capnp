@0xbcbeb960b0304a4d;
# Output of `troupe reputation --json`. README.md has the rules of all outputs. Scores are points, times Unix ms.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct Reputation {
  # `reputation NODE`.

  node @0 :Data;
  score @1 :UInt32;
  events @2 :UInt32;
  trust :union {
    none @3 :Void;
    value @4 :UInt32;
  }
  # Trust by paid work; null: there was no paid work.
}

struct ReputationEvents {
  # `reputation NODE --events`.

  rows @0 :List(ReputationEvent);
}

struct ReputationEvent {
  id @0 :Data;
  time @1 :UInt64;
  event @2 :Text;
  delta @3 :Int32;
  score @4 :UInt32;
  # The score after the event, in thousandths of a point.
  by @5 :Data;
  evidence @6 :Data;
}

struct ReputationRow {
  # A row of `reputation`.

  node @0 :Data;
  score @1 :UInt32;
  events @2 :UInt32;
}

struct ReputationRows {
  rows @0 :List(ReputationRow);
}

struct ReputationReported {
  # `reputation report`.

  node @0 :Data;
  event @1 :Text;
  old @2 :UInt32;
  new @3 :UInt32;
  clamped @4 :Bool;
  id @5 :Data;
}

struct ReputationVerified {
  # `reputation NODE --verify`.

  node @0 :Data;
  score @1 :UInt32;
  recomputed @2 :UInt32;
  events @3 :UInt32;
  bad @4 :UInt32;
}
