@0xd3f0a6b1c92e4d57;
# Output of `troupe sandbox --json`. README.md has the rules of all outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct SandboxRan {
  # `sandbox run`: the last line of standard error, because the program uses standard output.

  exitStatus :union {
    # null: a signal ended the program
    none @0 :Void;
    value @1 :Int32;
  }
  signal :union {
    # Number of the signal; null: the program exited by itself
    none @2 :Void;
    value @3 :Int32;
  }
  limit @4 :Text;
  # time cpu memory pids disk files output; null: the program did not fail because of a limit
  tripwire @5 :Text;
  # The forbidden call for which the program was ended, or "forks"; null: none
  usage @6 :SandboxUsage;
  cgroup @7 :Text;
  # v2 v1; null: limits were checked without cgroups
}

struct SandboxUsage {
  cpuMs @0 :UInt64;
  wallMs @1 :UInt64;
  memoryBytesMax @2 :UInt64;
  pidsMax @3 :UInt64;
  diskBytes @4 :UInt64;
  outputBytes @5 :UInt64;
}

struct SandboxChecked {
  # `sandbox check`.

  ok @0 :Bool;
  checks @1 :List(SandboxCheck);
  cgroup @2 :Text;
  # v2 v1; null: this user can use no cgroups
}

struct SandboxCheck {
  name @0 :Text;
  ok @1 :Bool;
  detail @2 :Text;
}
