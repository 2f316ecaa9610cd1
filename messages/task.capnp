@0xd7e2a8f4c1936b05;
# Tasks: programs that one node submits and another one runs in a sandbox.
#
# Words. An order is what a submitter signs (actors/task/logic/order.hpp); its hash is the id of the task. An attempt is
# one run of it at one node, with a token: of two attempts the later one has the higher token.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::task::wire");

# --- between nodes, at /task ---------------------------------------------------------------------------------------

struct RunAttempt $kind(from = [peer], bytesMax = 196608) {
  # A submitter asks a node to run a task. Answered by a stream of AttemptItem, in which something comes each second, or
  # four times in a shorter lease: it is the lease of the attempt, which ends with it on both sides. Errors: `malformed`,
  # `refused` (this node takes no tasks, or not of this submitter, or not with these limits), `overloaded` (as many wait as
  # may), `conflict` (it has run a later attempt), `not_found` (the program or an input), `unavailable` (no sandbox could
  # be made), `no_space`.

  order @0 :Data;
  # Signed by the asking node.
  token @1 :UInt64;
  escrow @2 :Data;
  # By which this attempt is paid (messages/escrow.capnp); empty: it is not.
  leaseMs @3 :UInt32;
  # After how much silence the submitter takes the attempt for lost, 1,000 to 30,000; what is outside counts as the nearest.
  # Of an order with hosts also how long its program may run after the worker has asked for that (RenewAttempt).
}

struct RenewAttempt $kind(from = [peer], bytesMax = 128) {
  # The node that runs an attempt of an order with hosts asks its submitter, at /task/orders, for the next lease. Answered
  # by AttemptRenewed. Errors: `not_found` (the attempt is over, or is another node's).

  task @0 :Data;
  token @1 :UInt64;
}

struct AttemptRenewed $kind(from = [peer], bytesMax = 64) {
  # The answer to RenewAttempt: the lease counts from when it was asked for.
}

struct GetWarnings $kind(from = [peer], bytesMax = 128) {
  # Asks a node, at /task/warnings, whether a program of that submitter tried there what no task may. Answered by Warnings.

  submitter @0 :Data;
}

struct Warnings $kind(from = [peer], bytesMax = 20480) {
  # The answer to GetWarnings.

  warning @0 :Data;
  # As the answering node has signed it (actors/task/logic/warning.hpp); empty: it has seen nothing.
}

struct AttemptItem $kind(from = [peer], bytesMax = 131072, whenFull = credit) {
  # What RunAttempt streams. After `ended` the stream ends.

  union {
    waits @0 :Void;
    # For a place, or for its inputs; each second.
    began @1 :Void;
    # The program was started.
    uses @2 :TaskUsage;
    # So far; each second.
    printed @3 :TaskPrinted;
    output @4 :TaskOutput;
    # A part of a file that the program has left, in the order of Order::outputs and of their bytes.
    ended @5 :TaskEnded;
    lacksInput @6 :Void;
    # One of its inputs could not be fetched. The stream fails after this, with `not_found` if each node that was asked
    # lacks it: that is no fault of the node, which takes other tasks.
  }
}

struct TaskUsage {
  cpuMs @0 :UInt64;
  wallMs @1 :UInt64;
  memoryBytesMax @2 :UInt64;
  pidsMax @3 :UInt64;
  diskBytes @4 :UInt64;
  outputBytes @5 :UInt64;
}

enum TaskStream {
  standard @0;
  errors @1;
}

struct TaskPrinted {
  stream @0 :TaskStream;
  bytes @1 :Data;
  # At most 65,536.
}

struct TaskOutput {
  index @0 :UInt16;
  # In Order::outputs.
  bytes @1 :Data;
  # At most 65,536; empty for an empty file.
}

struct TaskEnded {
  how :union {
    exited @0 :UInt8;
    signalled @1 :UInt8;
  }
  limit @2 :UInt8;
  # That it has hit: 0 none, else 1 more than the number of sandbox::Limit.
  tripwire @3 :Text;
  # What it tried, if that has ended it.
  usage @4 :TaskUsage;
}

# --- inside a node -------------------------------------------------------------------------------------------------

struct StartAttempt $kind(bytesMax = 64) {
  # To the actor of an attempt, from `/task`. Answered by a stream of AttemptItem.
}

struct AttemptAnswered $kind(bytesMax = 128) {
  # The actor of an attempt that is paid tells `/task` what its program came to.

  task @0 :Data;
  token @1 :UInt64;
  answer @2 :Data;
}

struct AttemptMalicious $kind(bytesMax = 256) {
  # The actor of an attempt tells `/task` that its program tried what no task may.

  task @0 :Data;
  token @1 :UInt64;
  submitter @2 :Data;
  tripwire @3 :Text;
  # The call, as in TaskEnded.
}

struct WarnOf $kind(bytesMax = 20480) {
  # `/task` tells `/task/warnings` what a program tried here that no task may.

  submitter @0 :Data;
  call @1 :Text;
  order @2 :Data;
  # As signed.
}

struct LookForWarnings $kind(bytesMax = 128) {
  # `/task` tells `/task/warnings` that a node wants a task run here.

  submitter @0 :Data;
}

struct WarnedOf $kind(bytesMax = 256) {
  # `/task/warnings` tells `/task` that enough other nodes have seen malicious programs of a submitter.

  submitter @0 :Data;
  call @1 :Text;
  unixMs @2 :UInt64;
  # When the first of them saw it.
}

struct UseInput $kind(bytesMax = 128) {
  # To `/task/inputs`: a content is to be a file or folder of this node. Answered by a stream of InputAt, which comes once it is there
  # and then now and then; it is kept until the stream ends. Errors: `refused` (an archive that cannot be unpacked),
  # `no_space`, `overloaded`, and those of the content store.

  content @0 :Data;
  unpacked @1 :Bool;
  # It is a tar archive, and wanted as the folder that comes of it.
  submitter @2 :Data;
  # The node whose task needs it; empty: this one.
  group @3 :Data;
  # 16 bytes of the address group in which that node is.
  asBytes @4 :Bool;
  # Its bytes are wanted, at most 1 MiB: a standard input. Errors: also `refused` if it is larger.
}

struct InputAt $kind(bytesMax = 1114112, whenFull = credit) {
  # The answer to UseInput.

  path @0 :Text;
  # Absolute, on this machine.
  bytes @1 :Data;
  # Where they are wanted; once.
}

# --- operators, at /task/orders --------------------------------------------------------------------------------------

struct SubmitTask $kind(from = [operate], bytesMax = 196608) {
  # Submits a task. Answered by TaskSubmitted once it is durable; the same request again is answered alike. Errors:
  # `malformed`, `conflict` (the request had other content), `overloaded` (as many tasks as may be), `unavailable` (no known
  # node could ever run it).

  order @0 :Data;
  # Not signed, without submitter and nonce: they are this node's.
  request @1 :Text;
  # Empty: none.
  risk @2 :Float64;
  # How often a wrong answer may be taken, above 0 and below 1: replicas and quorum follow from it and from task.dishonest.
  # 0: they are as the order says. `refused` if no number of replicas is enough.
  array @3 :UInt32;
  # How many members the array of that order has, 1 to 10,000; 0: it is a task. The answer is then the id of the array.
}

struct TaskSubmitted $kind(from = [operate], bytesMax = 128) {
  # The answer to SubmitTask.

  id @0 :Data;
}

struct ListTasks $kind(from = [view, operate], bytesMax = 128) {
  # Answered by TaskRows.

  behind @0 :Data;
  # The page starts after this id; empty: at the first.
}

struct TaskRows $kind(from = [view, operate], bytesMax = 524288) {
  # The answer to ListTasks: at most 256, by rising id.

  rows @0 :List(TaskRow);
  more @1 :Bool;
}

struct TaskRow {
  id @0 :Data;
  state @1 :UInt8;
  # The number of task::State.
  priority @2 :UInt8;
  attempt @3 :UInt32;
  # How many there were.
  node @4 :Data;
  # Of the last one; empty: there was none.
  reason @5 :Text;
  submittedMs @6 :UInt64;
  array @7 :Data;
  # That it is a member of; empty: none.
  index @8 :UInt32;
}

struct ViewTask $kind(from = [view, operate], bytesMax = 128) {
  # Answered by TaskIs; `not_found`.

  id @0 :Data;
}

struct TaskIs $kind(from = [view, operate], bytesMax = 262144) {
  # The answer to ViewTask.

  order @0 :Data;
  # actors/task/logic/order.hpp, without the signature.
  task @1 :Data;
  # actors/task/logic/task.hpp
  why @2 :Text;
  # Why the nodes that this node knows do not fit now: "3 lack memory"; empty: some do, or it has ended.
  parts @3 :List(ResultPart);
  # Of the attempt that decided.
  escrow @4 :Data;
  # That pays its attempts (messages/escrow.capnp); empty: none was engaged, or it is not known.
}

struct ResultPart {
  output @0 :UInt16;
  # In Order::outputs; 65535: the standard output.
  bytes @1 :UInt64;
  digest @2 :Data;
  # SHA-256 of them.
}

struct ViewArray $kind(from = [view, operate], bytesMax = 128) {
  # Answered by ArrayIs; `not_found`.

  id @0 :Data;
}

struct ArrayIs $kind(from = [view, operate], bytesMax = 196608) {
  # The answer to ViewArray.

  array @0 :Data;
  # actors/task/logic/array.hpp: member K has the id of its order K.
  states @1 :List(UInt32);
  # How many of its members are in each state, by the number of task::State. Those that are not made yet are queued, or
  # cancelled with it; those that were forgotten to make room are in none.
}

struct CancelTask $kind(from = [operate], bytesMax = 128) {
  # Ends a task, or all of an array. Answered by TaskCancelled once that is durable, also if it was cancelled before.
  # Errors: `not_found`, `conflict` (it has ended otherwise).

  id @0 :Data;
}

struct TaskCancelled $kind(from = [operate], bytesMax = 64) {
  # The answer to CancelTask.
}

struct ReadTask $kind(from = [view, operate], bytesMax = 128) {
  # What a task has printed and left. Answered by a stream of TaskText. Errors: `not_found`, `conflict` (it has no result),
  # `corrupt`.

  id @0 :Data;
  what @1 :TaskPart;
  follow @2 :Bool;
  # Of `log`: also what comes later, until the task has ended. Of `result`: waits until it has ended.
}

enum TaskPart {
  log @0;
  # Both streams, of the attempt that decided, else of the newest.
  result @1;
  # The standard output and all outputs, of the attempt that decided.
}

struct TaskText $kind(from = [view, operate], bytesMax = 131072, whenFull = credit) {
  # What ReadTask streams.

  part @0 :UInt16;
  # An output by its index; 65535: the standard output, 65534: the errors.
  timeMs @1 :UInt64;
  # When it came here.
  bytes @2 :Data;
  # Empty: nothing is new; now and then, where it is followed.
  token @3 :UInt64;
  # Of the attempt that has printed or left it. Where a log is followed, another one may come after one that was lost.
}

# --- what the inspector shows --------------------------------------------------------------------------------------

struct WorkerState $kind(from = [view, operate], bytesMax = 1024) {
  # Of `/task`.

  slots @0 :UInt32;
  # Thousandths of cores.
  used @1 :UInt32;
  memoryBytes @2 :UInt64;
  memoryUsed @3 :UInt64;
  running @4 :UInt32;
  waiting @5 :UInt32;
  closed @6 :Text;
  # Why it takes no tasks; empty: it does.
}

struct OrdersState $kind(from = [view, operate], bytesMax = 512) {
  # Of `/task/orders`.

  tasks @0 :UInt32;
  open @1 :UInt32;
  # Not ended.
  attempts @2 :UInt32;
  # Under way.
  nodes @3 :UInt32;
  # That may work, as far as is known.
}

struct ChecksState $kind(from = [view, operate], bytesMax = 256) {
  # Of `/task/checks`.

  nodes @0 :UInt32;
  # That this node checks.
  underWay @1 :UInt32;
}

struct WarningsState $kind(from = [view, operate], bytesMax = 256) {
  # Of `/task/warnings`.

  own @0 :UInt32;
  # Submitters that this node warns of.
  looked @1 :UInt32;
  # Submitters of which others were asked.
  looking @2 :UInt32;
  # Of them, under way.
}

struct InputsState $kind(from = [view, operate], bytesMax = 256) {
  # Of `/task/inputs`.

  files @0 :UInt32;
  bytes @1 :UInt64;
  used @2 :UInt32;
  # Of the files, by attempts under way.
}

struct AttemptState $kind(from = [view, operate], bytesMax = 1024) {
  # Of `/task/ID`.

  token @0 :UInt64;
  submitter @1 :Data;
  running @2 :Bool;
  # False: its inputs are fetched.
  usage @3 :TaskUsage;
  cpu @4 :UInt32;
  memoryBytes @5 :UInt64;
  diskBytes @6 :UInt64;
  timeMs @7 :UInt64;
}
