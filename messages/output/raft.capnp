@0xd6d39dab5c30b58b;
# Output of `troupe raft` and `troupe kv` with `--json`. README.md has the rules of all outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct RaftStatus {
  # `raft status`.

  group @0 :Text;
  node @1 :Data;
  role @2 :Text;
  # leader, follower, candidate, learner, recovering, opening, removed
  term @3 :UInt64;
  leader @4 :Data;
  # null: unknown
  commit @5 :UInt64;
  applied @6 :UInt64;
  hash @7 :Text;
  members @8 :List(RaftMember);
  incarnation @9 :Text;
  epoch @10 :UInt64;
  last @11 :UInt64;
  revision @12 :UInt64;
  oldestRevision @13 :UInt64;
  keys @14 :UInt64;
  leases @15 :UInt64;
  sessions @16 :UInt64;
  watchers @17 :UInt64;
  reason @18 :Text;
  # Why it does not serve; null: it does.
  why @19 :List(RaftDelay);
}

struct RaftDelay {
  # What a commit waits for now, reported by the leader; the first entry is decisive. Without a leader: the silent
  # voters.

  what @0 :Text;
  # disk or link; silent: the member has not answered for that time
  node @1 :Data;
  ms @2 :Float64;
}

struct RaftMember {
  node @0 :Data;
  address @1 :Text;
  kind @2 :Text;
  # voter, learner
  match @3 :UInt64;
  state @4 :Text;
  # probe, replicate, snapshot or recovering; self; unknown if the answering member does not lead; answers or silent
  # while the group has no leader
  lagMs @5 :UInt64;
  incarnation @6 :Text;
  inFlight @7 :UInt32;
}

struct RaftGroups {
  # `raft ls`.

  rows @0 :List(RaftGroup);
}

struct RaftGroup {
  group @0 :Text;
  role @1 :Text;
  term @2 :UInt64;
  leader @3 :Data;
  members @4 :UInt32;
  applied @5 :UInt64;
}

struct RaftMade {
  # `raft init`.

  group @0 :Text;
  already @1 :Bool;
  failed @2 :List(RaftFailed);
}

struct RaftFailed {
  node @0 :Data;
  reason @1 :Text;
}

struct RaftChanged {
  # `raft add`, `remove`, `transfer` and `snapshot`.

  group @0 :Text;
  node @1 :Data;
}

struct RaftRecovered {
  # `raft recover`.

  group @0 :Text;
  done @1 :Bool;
  # False: nothing was changed.
  commit @2 :UInt64;
  last @3 :UInt64;
  epoch @4 :UInt64;
  membersLeft @5 :UInt32;
}

struct KvGot {
  # `kv get`.

  key @0 :Text;
  value @1 :Text;
  valueHex @2 :Text;
  # Only one of value and valueHex is set: valueHex if the value is not UTF-8.
  rev @3 :UInt64;
  created @4 :UInt64;
}

struct KvChanged {
  # `kv put`, `del`, `cas` and `txn`.

  rev @0 :UInt64;
  repeated @1 :Bool;
  deleted @2 :Bool;
  values @3 :List(KvValue);
  # The values of a transaction's gets, in their order.
}

struct KvValue {
  value @0 :Text;
  valueHex @1 :Text;
}

struct KvRow {
  # A line of `kv ls`.

  key @0 :Text;
  keyHex @1 :Text;
  value @2 :Text;
  valueHex @3 :Text;
  rev @4 :UInt64;
  created @5 :UInt64;
  ttlMs :union {
    none @6 :Void;
    value @7 :UInt64;
  }
}

struct KvSummary {
  # The last line of `kv ls`.

  summary @0 :Bool;
  keys @1 :UInt64;
  rev @2 :UInt64;
  more @3 :Bool;
}

struct KvChange {
  # A line of `kv watch`.

  rev @0 :UInt64;
  key @1 :Text;
  keyHex @2 :Text;
  value @3 :Text;
  # null: the key was removed
  valueHex @4 :Text;
  request @5 :Text;
}

struct KvAnswer {
  # A line of `kv batch`.

  ok @0 :Bool;
  exit @1 :UInt32;
  value @2 :Text;
  valueHex @3 :Text;
  rev @4 :UInt64;
  error @5 :Text;
}

struct KvLease {
  # `kv lease grant`, `keep` and `drop`.

  lease @0 :Text;
  ttlMs @1 :UInt64;
}
