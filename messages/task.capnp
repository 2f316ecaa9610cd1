@0xd7e2a8f4c1936b05;
# Tasks: programs that one node submits and another node runs in a sandbox.
#
# Terms. An order describes a task and is signed by its submitter (actors/task/logic/order.hpp); its hash is the id of
# the task. An attempt is one run of the task at one node. It has a token: the later of two attempts has the higher
# token.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::task::wire");

# --- between nodes, at /task ---------------------------------------------------------------------------------------

struct RunAttempt $kind(from = [peer], bytesMax = 196608) {
  # A submitter asks a node to run a task. Answered by a stream of AttemptItem with at least one item per second, or
  # four per lease if that is more often. The stream is the lease of the attempt: when it ends, the attempt ends on both
  # sides. Errors: `malformed`, `refused` (this node accepts no tasks, or not this submitter's tasks, or not these
  # limits), `overloaded` (the queue is full), `conflict` (this node has run a later attempt). Further errors:
  # `not_found` (the program or an input), `unavailable` (no sandbox could be made), `no_space`.

  order @0 :Data;
  # Signed by the requesting node.
  token @1 :UInt64;
  escrow @2 :Data;
  # The escrow that pays for this attempt (messages/escrow.capnp); empty: it is unpaid.
  leaseMs @3 :UInt32;
  # Time of silence after which the submitter considers the attempt lost, 1,000 to 30,000; other values count as the
  # nearest bound. For an order with hosts, also how long the program may run after the last RenewAttempt.
}

struct RenewAttempt $kind(from = [peer], bytesMax = 128) {
  # The node that runs an attempt of an order with hosts asks its submitter, at /task/orders, for the next lease.
  # Answered by AttemptRenewed. Errors: `not_found` (the attempt is over, or belongs to another node).

  task @0 :Data;
  token @1 :UInt64;
}

struct AttemptRenewed $kind(from = [peer], bytesMax = 64) {
  # The answer to RenewAttempt: the lease counts from the time of the request.
}

struct GetWarnings $kind(from = [peer], bytesMax = 128) {
  # Asks a node, at /task/warnings, whether a program of that submitter has tried something forbidden at the node.
  # Answered by Warnings.

  submitter @0 :Data;
}

struct Warnings $kind(from = [peer], bytesMax = 20480) {
  # The answer to GetWarnings.

  warning @0 :Data;
  # Signed by the answering node (actors/task/logic/warning.hpp); empty: it has observed nothing.
}

struct AttemptItem $kind(from = [peer], bytesMax = 131072, whenFull = credit) {
  # An item of RunAttempt. After `ended` the stream ends.

  union {
    waits @0 :Void;
    # The attempt waits for a slot or for its inputs. Sent every second.
    began @1 :Void;
    # The program was started.
    uses @2 :TaskUsage;
    # Usage so far. Sent every second.
    printed @3 :TaskPrinted;
    output @4 :TaskOutput;
    # A part of a file that the program has left, in the order of Order::outputs and of their bytes.
    ended @5 :TaskEnded;
    lacksInput @6 :Void;
    # An input could not be fetched. The stream then fails, with `not_found` if every node that was asked lacks the
    # input. That is not a fault of this node, which accepts other tasks.
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
  # Index in Order::outputs.
  bytes @1 :Data;
  # At most 65,536; empty for an empty file.
}

struct TaskEnded {
  how :union {
    exited @0 :UInt8;
    signalled @1 :UInt8;
  }
  limit @2 :UInt8;
  # The limit that the program has hit: 0: none; otherwise the number of sandbox::Limit plus 1.
  tripwire @3 :Text;
  # If a tripwire has ended the program: the call that it tried.
  usage @4 :TaskUsage;
}

# --- inside a node -------------------------------------------------------------------------------------------------

struct StartAttempt $kind(bytesMax = 64) {
  # To the actor of an attempt, from `/task`. Answered by a stream of AttemptItem.
}

struct AttemptAnswered $kind(bytesMax = 128) {
  # The actor of a paid attempt reports its program's result to `/task`.

  task @0 :Data;
  token @1 :UInt64;
  answer @2 :Data;
}

struct AttemptMalicious $kind(bytesMax = 256) {
  # The actor of an attempt reports to `/task` that its program has tried something forbidden.

  task @0 :Data;
  token @1 :UInt64;
  submitter @2 :Data;
  tripwire @3 :Text;
  # The call, as in TaskEnded.
}

struct WarnOf $kind(bytesMax = 20480) {
  # `/task` reports to `/task/warnings` that a program has tried something forbidden at this node.

  submitter @0 :Data;
  call @1 :Text;
  order @2 :Data;
  # As signed.
}

struct LookForWarnings $kind(bytesMax = 128) {
  # `/task` notifies `/task/warnings` that a node wants to run a task at this node.

  submitter @0 :Data;
}

struct WarnedOf $kind(bytesMax = 256) {
  # `/task/warnings` notifies `/task` that enough other nodes have observed malicious programs of a submitter.

  submitter @0 :Data;
  call @1 :Text;
  unixMs @2 :UInt64;
  # When the first of those nodes observed it.
}

struct UseInput $kind(bytesMax = 128) {
  # Asks `/task/inputs` to make an object a file or folder of this node. Answered by a stream of InputAt: one item once
  # the file or folder exists, then occasional items; it is kept until the stream ends. Errors: `refused` (an archive
  # that cannot be unpacked), `no_space`, `overloaded`, and errors of the object store.

  content @0 :Data;
  unpacked @1 :Bool;
  # True: the object is a tar archive, and the unpacked folder is wanted.
  submitter @2 :Data;
  # The node whose task needs it; empty: this node.
  group @3 :Data;
  # 16 bytes of that node's address group.
  asBytes @4 :Bool;
  # True: its bytes are wanted, at most 1 MiB, as a standard input. Errors: also `refused` if it is larger.
}

struct InputAt $kind(bytesMax = 1114112, whenFull = credit) {
  # The answer to UseInput.

  path @0 :Text;
  # Absolute, on this machine.
  bytes @1 :Data;
  # Only if bytes are wanted; once.
}

# --- operators, at /task/orders --------------------------------------------------------------------------------------

struct SubmitTask $kind(from = [operate], bytesMax = 196608) {
  # Submits a task. Answered by TaskSubmitted once it is durable; a repeated request gets the same answer. Errors:
  # `malformed`, `conflict` (the request id was used with other content), `overloaded` (too many tasks), `unavailable`
  # (no known node could ever run it).

  order @0 :Data;
  # Not signed, without submitter and nonce: this node adds them.
  request @1 :Text;
  # Empty: none.
  risk @2 :Float64;
  # The highest acceptable rate of wrong results, above 0 and below 1: replicas and quorum are computed from it and from
  # task.dishonest. 0: the order has them. `refused` if no number of replicas is enough.
  array @3 :UInt32;
  # The number of members in the array of that order, 1 to 10,000; 0: a single task. For an array the answer has the id
  # of the array.
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
  # The answer to ListTasks: at most 256, by ascending id.

  rows @0 :List(TaskRow);
  more @1 :Bool;
}

struct TaskRow {
  id @0 :Data;
  state @1 :UInt8;
  # The number of task::State.
  priority @2 :UInt8;
  attempt @3 :UInt32;
  # Number of attempts.
  node @4 :Data;
  # Node of the last attempt; empty: there was none.
  reason @5 :Text;
  submittedMs @6 :UInt64;
  array @7 :Data;
  # The array of which it is a member; empty: none.
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
  # Why the known nodes cannot run the task now: "3 lack memory"; empty: some node can, or the task has ended.
  parts @3 :List(ResultPart);
  # The output of the deciding attempt.
  escrow @4 :Data;
  # The escrow that pays its attempts (messages/escrow.capnp); empty: none was engaged, or it is unknown.
}

struct ResultPart {
  output @0 :UInt16;
  # Index in Order::outputs; 65535: the standard output.
  bytes @1 :UInt64;
  digest @2 :Data;
  # SHA-256 of its bytes.
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
  # How many of its members are in each state, by the number of task::State. Members that are not made yet count as
  # queued, or as cancelled with the array. Members that were evicted count in no state.
}

struct CancelTask $kind(from = [operate], bytesMax = 128) {
  # Cancels a task, or all members of an array. Answered by TaskCancelled once that is durable, also if it was cancelled
  # before. Errors: `not_found`, `conflict` (it has ended in another way).

  id @0 :Data;
}

struct TaskCancelled $kind(from = [operate], bytesMax = 64) {
  # The answer to CancelTask.
}

struct ReadTask $kind(from = [view, operate], bytesMax = 128) {
  # Requests the printed and stored output of a task. Answered by a stream of TaskText. Errors: `not_found`, `conflict`
  # (it has no result), `corrupt`.

  id @0 :Data;
  what @1 :TaskPart;
  follow @2 :Bool;
  # For `log`: continues with later output, until the task has ended. For `result`: waits until it has ended.
}

enum TaskPart {
  log @0;
  # Both streams of the deciding attempt, or of the newest attempt if none has decided.
  result @1;
  # The standard output and all output files of the deciding attempt.
}

struct TaskText $kind(from = [view, operate], bytesMax = 131072, whenFull = credit) {
  # An item of ReadTask.

  part @0 :UInt16;
  # An output by its index; 65535: the standard output, 65534: the errors.
  timeMs @1 :UInt64;
  # When it arrived here.
  bytes @2 :Data;
  # Empty: nothing new; sent occasionally in a followed log.
  token @3 :UInt64;
  # Token of the attempt that this output comes from. In a followed log, another attempt may follow a lost attempt.
}

# --- what the inspector shows --------------------------------------------------------------------------------------

struct WorkerState $kind(from = [view, operate], bytesMax = 1024) {
  # The inspector's view of `/task`.

  slots @0 :UInt32;
  # Thousandths of cores.
  used @1 :UInt32;
  memoryBytes @2 :UInt64;
  memoryUsed @3 :UInt64;
  running @4 :UInt32;
  waiting @5 :UInt32;
  closed @6 :Text;
  # Why it accepts no tasks; empty: it does.
}

struct OrdersState $kind(from = [view, operate], bytesMax = 512) {
  # The inspector's view of `/task/orders`.

  tasks @0 :UInt32;
  open @1 :UInt32;
  # Tasks that have not ended.
  attempts @2 :UInt32;
  # Attempts in progress.
  nodes @3 :UInt32;
  # Known nodes that may run tasks.
}

struct ChecksState $kind(from = [view, operate], bytesMax = 256) {
  # The inspector's view of `/task/checks`.

  nodes @0 :UInt32;
  # Nodes that this node checks.
  underWay @1 :UInt32;
}

struct WarningsState $kind(from = [view, operate], bytesMax = 256) {
  # The inspector's view of `/task/warnings`.

  own @0 :UInt32;
  # Submitters about which this node warns.
  looked @1 :UInt32;
  # Submitters about which other nodes were asked.
  looking @2 :UInt32;
  # Such requests in progress.
}

struct InputsState $kind(from = [view, operate], bytesMax = 256) {
  # The inspector's view of `/task/inputs`.

  files @0 :UInt32;
  bytes @1 :UInt64;
  used @2 :UInt32;
  # Files used by attempts in progress.
}

struct AttemptState $kind(from = [view, operate], bytesMax = 1024) {
  # The inspector's view of `/task/ID`.

  token @0 :UInt64;
  submitter @1 :Data;
  running @2 :Bool;
  # False: its inputs are being fetched.
  usage @3 :TaskUsage;
  cpu @4 :UInt32;
  memoryBytes @5 :UInt64;
  diskBytes @6 :UInt64;
  timeMs @7 :UInt64;
}
