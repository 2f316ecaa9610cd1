@0xb9f4d6c2083e7a15;
# Output of `troupe task --json`. README.md has the rules of all outputs. Times are Unix ms.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/output/sandbox.capnp".SandboxUsage;
$Cxx.namespace("troupe::output::wire");

struct TaskId {
  # `task submit`.

  task @0 :Data;
}

struct TaskCancelled {
  # `task cancel`.

  task @0 :Data;
  state @1 :Text;
}

struct TaskList {
  # `task ls`.

  rows @0 :List(TaskListed);
}

struct TaskListed {
  task @0 :Data;
  state @1 :Text;
  # queued running verifying done failed cancelled expired
  priority @2 :UInt32;
  attempt @3 :UInt32;
  # Number of attempts.
  node @4 :Data;
  # Node of the last attempt; null: there was none.
  reason @5 :Text;
  # Why it waits or has failed; null: no reason.
  submitted @6 :UInt64;
  member @7 :Text;
  # "ID.K": array ID, member K; null: not a member.
}

struct TaskArrayView {
  # `task view` of an array: the number of members in each state.

  task @0 :Data;
  members @1 :UInt32;
  queued @2 :UInt32;
  # Includes members that are not made yet.
  running @3 :UInt32;
  verifying @4 :UInt32;
  done @5 :UInt32;
  failed @6 :UInt32;
  cancelled @7 :UInt32;
  expired @8 :UInt32;
}

struct TaskView {
  # `task view`.

  task @0 :Data;
  state @1 :Text;
  priority @2 :UInt32;
  attempt @3 :UInt32;
  node @4 :Data;
  reason @5 :Text;
  submitted @6 :UInt64;
  ended :union {
    none @7 :Void;
    value @8 :UInt64;
  }
  program @9 :Data;
  arguments @10 :List(Text);
  replicas @11 :UInt32;
  quorum @12 :UInt32;
  attempts @13 :List(TaskAttempt);
  result @14 :TaskResult;
  # Null: no attempt has decided.
  why @15 :Text;
  # Why the known nodes cannot run the task now; null: some node can.
  maxPrice @16 :Text;
  # Maximum price per provider; null: no provider is paid.
  escrow @17 :Data;
  # The escrow that pays its attempts; null: none was paid yet.
  network @18 :List(Text);
  # HOST:PORT to which its program may connect.
  trusted @19 :Bool;
  # Whether one answer was enough, because it came from a node with many correct answers in comparisons.
}

struct TaskAttempt {
  token @0 :UInt64;
  node @1 :Data;
  state @2 :Text;
  # starting running answered lost refused ended
  exitStatus :union {
    none @3 :Void;
    value @4 :Int32;
  }
  signal :union {
    none @5 :Void;
    value @6 :Int32;
  }
  limit @7 :Text;
  # time cpu memory pids disk files output
  usage @8 :SandboxUsage;
  verdict @9 :Text;
  # open right wrong malicious
  reason @10 :Text;
  # Why an attempt was lost or refused.
  began @11 :UInt64;
}

struct TaskResult {
  bytes @0 :UInt64;
  # Bytes of the standard output.
  digest @1 :Data;
  # SHA-256 of these bytes.
  outputs @2 :List(TaskOutputFile);
}

struct TaskOutputFile {
  path @0 :Text;
  bytes @1 :UInt64;
  digest @2 :Data;
}

struct TaskLine {
  # `task logs`: one line each.

  time @0 :UInt64;
  stream @1 :Text;
  # stdout stderr
  text @2 :Text;
  # Without its line end; invalid UTF-8 is shown as U+FFFD.
  attempt @3 :UInt64;
  # Token of the attempt. With -f another attempt may follow a lost attempt.
  member @4 :Text;
  # "ID.K" for a member of an array; null for a single task.
}
