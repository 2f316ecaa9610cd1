@0xf1c2a85e3d907b64;
# Requests of operators to a node's root actor `/node`, and messages of the process to that actor.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::node::wire");

struct GetStatus $kind(lane = control, from = [view, operate], bytesMax = 64) {
  # Requests the state of the node. Answered by NodeStatus.
}

struct NodeStatus $kind(from = [peer, view, operate], bytesMax = 131072) {
  # Answers GetStatus; also the inspector's view of the root.

  node @0 :Data;
  # Id of the node: 20 bytes.

  name @1 :Text;
  # For people, at most 64 bytes.

  version @2 :Text;
  uptimeS @3 :UInt64;
  listen @4 :Text;
  # "HOST:PORT" with the port that the system assigned; empty while it does not listen.

  peers @5 :UInt32;
  # Currently linked nodes.

  actors @6 :UInt32;
  health @7 :Health;
  reasons @8 :List(Reason);
  # Why it is not `ok`: failing reasons first, at most 65.

  stage @9 :Stage;

  seats @10 :UInt32;
  # Accepted connections, including unfinished handshakes.

  seatsMax @11 :UInt32;
  # Their maximum number: 7/8 of `net.links_max`.

  publicKey @12 :Data;
  # 32 bytes.
}

enum Health {
  ok @0;
  degraded @1;
  failing @2;
}

struct Reason {
  source @0 :Text;
  # The part that reports it: "disk", "peers".

  text @1 :Text;
  # For people, at most 1024 bytes.
}

enum Stage {
  # A stage of the node's life.

  starting @0;
  # Not all domains have answered yet.
  serving @1;
  draining @2;
  # Domains end in the reverse order of their start.
}

struct SetLogLevel $kind(from = [operate], bytesMax = 256) {
  # Changes the level of the logs until the node ends. Answered by Nothing; `malformed` for an unknown level,
  # `not_found` for an unknown log domain.

  level @0 :Text;
  # trace, debug, info, warn, error or off.

  domain @1 :Text;
  # A log domain, such as links; empty: all domains without their own level.
}

struct GetLog $kind(lane = control, from = [view, operate], bytesMax = 64) {
  # Requests lines of the log, of which the latest 2,000 are kept, at most 512 KiB. Answered by LogLines.

  since @0 :UInt64;
  # The number of the first requested line; lines that are no longer kept are skipped.
}

struct LogLines $kind(from = [peer, view, operate], bytesMax = 1048576) {
  # Answers GetLog.

  first @0 :UInt64;
  # The number of the first line in `lines`; the numbers have no gaps.

  lines @1 :List(Text);
  # Oldest first, each as written.
}

struct GetSettings $kind(lane = control, from = [view, operate], bytesMax = 64) {
  # Requests the settings of the running node. Answered by RunningSettings.
}

struct RunningSettings $kind(from = [peer, view, operate], bytesMax = 262144) {
  # Answers GetSettings.

  rows @0 :List(RunningSetting);
}

struct RunningSetting {
  key @0 :Text;
  value @1 :Text;
  # As TOML.

  origin @2 :Text;
  # "default", "config.toml:3", "TROUPE_NET__LINKS_MAX", "--listen".
}

struct DrainNode $kind(lane = control, from = [operate], bytesMax = 64) {
  # An operator ends the node: all domains end, then the process. Answered by Nothing before it begins.
}

struct Drain $kind(lane = control, bytesMax = 64) {
  # The process asks the root actor to end all domains, and then itself.
}

struct Note $kind(bytesMax = 2048) {
  # What an operator did at this node, or the node itself, for the audit trail. A tell: a note that cannot be written is
  # lost.

  who @0 :Text;
  # An operator's key in hexadecimal, "local" or "node".
  act @1 :Text;
  what @2 :Text;
  outcome @3 :Text;
  # "done", or why not.
}
