// troupe task …: the table of its commands, and what they share.
#include "apps/task/task.hpp"

#include "apps/sandbox/sandbox.hpp"
#include "apps/wallet/typed.hpp"
#include "messages/codec.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace tasks {

base::Result<Typed, Failure> id_of(const Invocation& invocation) {
  const std::string typed = *invocation.text("ID");
  const std::size_t dot = typed.find('.');
  const auto id = task::TaskId::from_hex(typed.substr(0, dot));
  const auto member = dot == typed.npos ? std::nullopt : config::parse_count(typed.substr(dot + 1));
  if (id && (dot == typed.npos || (member && *member < task::kArrayMax)))
    return Typed{*id, member ? std::optional(static_cast<std::uint32_t>(*member)) : std::nullopt};
  return usage_failure(
      "invalid task id: expected 64 hexadecimal digits, and .K after them for a member of an array; got \"" +
          base::shortened(typed, 80) + '"',
      "troupe task ls");
}

Client::Outcome<ShownArray> ask_array(Client& client, const task::TaskId& id) {
  namespace wire = task::wire;
  auto answer = client.ask<wire::ViewArray, wire::ArrayIs>(
      task::kOrdersPath, kDue, [&](wire::ViewArray::Builder out) { out.setId(data_of(id.view())); });
  if (!answer.ok()) return answer.error();
  const auto told = answer.value().root();
  auto array = task::Array::decode(bytes_of(told.getArray()));
  if (!array || told.getStates().size() != task::kStates)
    return Failure{.error = {base::Code::corrupt, "the node's response is not an array"}};
  ShownArray out{.array = std::move(*array)};
  for (unsigned i = 0; i < task::kStates; ++i) out.states[i] = told.getStates()[i];
  return out;
}

Client::Outcome<task::TaskId> resolve(Client& client, const Typed& typed) {
  if (!typed.member) return typed.id;
  const auto shown = ask_array(client, typed.id);
  if (!shown.ok()) return shown.error();
  const task::Array& array = shown.value().array;
  if (*typed.member < array.members) return id_of(array.member(*typed.member));
  return Failure{.error = {base::Code::not_found, "the array has members 0 to " + std::to_string(array.members - 1)}};
}

std::string state_text(std::uint8_t number) {
  if (number > static_cast<std::uint8_t>(task::State::expired)) return "unknown";
  return std::string(name(static_cast<task::State>(number)));
}

Client::Outcome<Shown> ask(Client& client, const task::TaskId& id) {
  namespace wire = task::wire;
  auto answer = client.ask<wire::ViewTask, wire::TaskIs>(
      task::kOrdersPath, kDue, [&](wire::ViewTask::Builder out) { out.setId(data_of(id.view())); });
  if (!answer.ok()) return answer.error();
  const auto told = answer.value().root();
  auto order = task::decode(bytes_of(told.getOrder()));
  auto state = order ? task::Task::decode(*order, bytes_of(told.getTask())) : std::nullopt;
  if (!state) return Failure{.error = {base::Code::corrupt, "the node's response is not a task"}};
  Shown out{
      std::move(*order), std::move(*state), text_of(told.getWhy()), {}, base::Digest::from(bytes_of(told.getEscrow()))};
  for (const auto part : told.getParts())
    out.parts.push_back(
        {part.getOutput(), part.getBytes(), base::Digest::from(bytes_of(part.getDigest())).value_or(base::Digest{})});
  return out;
}

}  // namespace tasks

namespace {

constexpr const char* kSubmitNotes = R"(
what it does
  asks a node to run PROGRAM in a sandbox: a local file, or the content id of a stored program. It starts in /task
  with the arguments that follow it. It sees its inputs below /task, read-only, and no network except --network. Its
  output and the files named by --output are sent back. Prints the id of the task, or the program's output with --wait
  A program without a loader, such as a static program, runs anywhere. A program that begins with #! or is linked to
  libraries needs --root with its loader, or a node that shows its /usr (task.host_usr)
  --root is a folder, an uncompressed tar archive, or the content id of an archive: at most 4 GiB unpacked, 200,000
  entries. The program can read all of it and write none of it. Its /dev, /proc, /run, /sys, /task and /tmp are hidden
  --network names a host that the program may connect to. Only that name and port can be reached, and the node relays
  the traffic. If an attempt is lost, the next attempt begins when the lost attempt can no longer reach any host
  --replicas runs the program on several nodes of different owners, until --quorum of them return the same result
  --array prints the id of the array; ID.0 is its first member. --wait then prints the output of its members, in order
exits
  1 with --wait if the task has failed, was cancelled or has expired; 3 if only some members of an array are done
  5 if neither the root nor a node has the loader, or the root cannot be unpacked; 7 if no known node could ever run
  the task, or none accepts it (task.accept)
)";

constexpr const char* kViewNotes = R"(
states
  of a task: queued running verifying done failed cancelled expired
  of an attempt: starting running answered lost refused ended
verdicts of an attempt
  open until enough nodes have returned the same result, then right or wrong; malicious if it tried a forbidden action
)";

constexpr const char* kResultNotes = R"(
what it does
  prints the standard output of the deciding attempt; for an array, of each member, in order. -o DIR writes the output
  to DIR/stdout, the errors to DIR/stderr and each output file to its path below DIR; each member of an array has its
  own folder, DIR/0, DIR/1, …
  On a terminal, control characters are escaped because the output comes from an untrusted node
exits
  5 if the task has not ended, or has no result; 3 if some members of an array are not done: standard error says why
)";

constexpr const char* kLogsNotes = R"(
what it does
  prints both streams of the deciding attempt, or of the newest attempt if none has decided, in the order of arrival;
  for an array, of each member in turn. On a terminal, control characters are escaped
  With -f, if the attempt is lost, the output of the next attempt follows: a note on standard error says so, and with
  --json each line has the token of its attempt
exits
  3 if some members of an array are no longer known, or do not exist yet
)";

constexpr const char* kCancelNotes = R"(
exits
  0 if the task was already cancelled; 5 if it has ended otherwise
)";

Option wait_option(const char* help) { return {.name = "--wait", .help = help}; }
Positional id_argument() { return {.name = "ID", .help = "id of a task or array, or ID.K for a member"}; }

std::vector<Option> submit_options() {
  std::vector<Option> out = {
      {.name = "--stdin",
       .value = "FILE",
       .help = "file for its standard input; - passes on this command's standard input",
       .field = Field::input},
      {.name = "--input", .value = "CID:PATH", .help = "stored object to show at /task/PATH", .repeatable = true},
      {.name = "--output", .value = "PATH", .help = "file below /task to keep", .repeatable = true},
      {.name = "--root",
       .value = "CID|DIR|ARCHIVE",
       .help = "root file system (/), read-only: a folder, a tar archive, or the content id of an archive"},
      {.name = "--network",
       .value = "HOST:PORT",
       .help = "host that the program may connect to, through a node that allows it (task.network)",
       .repeatable = true},
      {.name = "--need", .value = "WHAT", .help = "requirements on the node, such as 'memory>=4G,arch=x86_64'"},
      number_option("--priority", "N", "priority; 9 runs first (default 5)", 0, task::kPriorityMax),
      number_option("--replicas", "N", "number of nodes that run it (default 1)", 1, task::kReplicasMax),
      number_option("--quorum", "M", "equal results that decide (default most of the replicas)", 1, task::kReplicasMax),
      {.name = "--risk",
       .value = "P",
       .help = "highest acceptable rate of wrong results, such as 0.001; sets the number of replicas"},
      {.name = "--deterministic", .help = "the program always returns the same result, so replicas can be compared"},
      {.name = "--after",
       .value = "ID",
       .help = "begin when that task, or all of that array, is done; cancel this task if that one fails"},
      number_option("--array", "N", "submit it N times; {index} in its arguments becomes 0, 1, … N-1", 1,
                    task::kArrayMax),
      {.name = "--max-price",
       .value = "AMOUNT",
       .help = "highest price to pay a node, from this node's account (default 0)",
       .field = Field::local},
      number_option("--retries", "N", "number of retries on other nodes (default 2)", 0, task::kRetriesMax),
      {.name = "--wait", .help = "wait until it ends, and print its output", .field = Field::local},
      wallets::request_option(),
  };
  for (Option& one : limit_options())
    if (one.name != "--output") out.push_back(std::move(one));
  return out;
}

}  // namespace

Commands task_commands() {
  return {
      {.name = "task submit",
       .summary = "Run a program on a node",
       .options = submit_options(),
       .positionals = {{.name = "PROGRAM", .help = "file or content id", .field = Field::input, .fields = {"program"}},
                       {.name = "ARG",
                        .help = "arguments of the program; after -- they may start with a dash",
                        .arity = Arity::any,
                        .fields = {"args"}}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kSubmitNotes,
       .route = Route{.role = Role::user, .prints = {"TaskId"}},
       .run = task_submit},
      {.name = "task ls",
       .summary = "List the tasks that were submitted at this node",
       .needs = Needs::view,
       .route = Route{.prints = {"List(TaskListed)"}},
       .run = task_list},
      {.name = "task view",
       .summary = "Show a task and its attempts",
       .options = {{.name = "--why", .help = "also print why known nodes do not fit now"}},
       .positionals = {id_argument()},
       .needs = Needs::view,
       .notes = kViewNotes,
       .route = Route{.prints = {"TaskView", "TaskArrayView"}},
       .run = task_view},
      {.name = "task logs",
       .summary = "Print the output of a task",
       .options = {{.name = "-f", .help = "follow: also print later output", .alias = "--follow", .endless = true}},
       .positionals = {id_argument()},
       .needs = Needs::view,
       .notes = kLogsNotes,
       .route = Route{.output = Output::lines, .prints = {"TaskLine"}},
       .run = task_logs},
      {.name = "task cancel",
       .summary = "Cancel a task",
       .positionals = {id_argument()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kCancelNotes,
       .route = Route{.role = Role::user, .prints = {"TaskCancelled"}},
       .run = task_cancel},
      {.name = "task result",
       .summary = "Print the result of a task",
       .options = {{.name = "-o", .value = "DIR", .help = "write the result and all output files there"},
                   wait_option("wait until it ends")},
       .positionals = {id_argument()},
       .needs = Needs::view,
       .notes = kResultNotes,
       .run = task_result},
  };
}

}  // namespace troupe::apps
