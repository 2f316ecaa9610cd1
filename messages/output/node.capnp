@0xc6351f2b57cdfa90;
# Output with `--json` of the commands about a node, and about the program itself. README.md has the rules of all
# outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

enum Health {
  ok @0;
  degraded @1;
  failing @2;
}

struct Status {
  node @0 :Data;
  name @1 :Text;
  version @2 :Text;
  uptimeS @3 :UInt64;
  listen @4 :Text;
  # HOST:PORT with the real port.
  peers @5 :UInt32;
  # Currently linked nodes.
  actors @6 :UInt32;
  health @7 :Health;
  reasons @8 :List(Text);
  # Why not `ok`: "disk: the disk is full".
  seats @9 :UInt32;
  # Accepted connections, including unfinished handshakes.
  seatsMax @10 :UInt32;
  # Their maximum number.
  stage @11 :Stage;
  publicKey @12 :Data;
}

enum Stage {
  # A stage of the node's life.

  starting @0;
  # Not all domains have answered yet.
  serving @1;
  draining @2;
}

struct LogLevel {
  # `log`: the level that was set.

  level @0 :Text;
  domain @1 :Text;
  # Null: all domains without their own level.
}

struct OperatorKey {
  key @0 :Data;
  # Public key: for `operators.view` and `operators.operate` of a node.
  file @1 :Text;
  # The file with its secret.
}

struct Version {
  version @0 :Text;
}

struct Script {
  # A text for another program: `completion`, `help --man`, `manual`.

  text @0 :Text;
}

struct Commands {
  rows @0 :List(Command);
}

struct Command {
  name @0 :Text;
  usage @1 :Text;
  summary @2 :Text;
}

struct Settings {
  rows @0 :List(Setting);
}

struct Setting {
  key @0 :Text;
  value @1 :Text;
  # As TOML.
  origin @2 :Text;
  default @3 :Text;
  # As typed after `--set KEY=`.
  reloads @4 :Bool;
  # Whether a running node applies a change.
  meaning @5 :Text;
}

struct Problems {
  rows @0 :List(Problem);
}

struct Problem {
  where @0 :Text;
  # FILE:LINE
  what @1 :Text;
}

struct Demo {
  # The result of `demo`.

  nodes @0 :UInt32;
  bytes @1 :UInt64;
  cid @2 :Data;
  killed @3 :Data;
  # The node at which the file was stored, ended with SIGKILL.
  readAt @4 :Data;
  chunks @5 :UInt32;
  chunksThere @6 :UInt32;
  # How many chunks were stored at the node where the file was read back.
  same @7 :Bool;
  seconds @8 :Float64;
  escrow @9 :Data;
  # The paid escrow, at a ledger of three nodes.
}
