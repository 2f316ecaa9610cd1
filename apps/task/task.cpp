// troupe task …: the table of its commands, and what they share.
#include "apps/task/task.hpp"

#include "apps/sandbox/sandbox.hpp"
#include "apps/wallet/typed.hpp"
#include "messages/words.hpp"
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
      "the id of a task has 64 hexadecimal digits, and of a member of an array .K behind them; not \"" +
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
    return Failure{.error = {base::Code::corrupt, "the node's answer is no array"}};
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
  if (!state) return Failure{.error = {base::Code::corrupt, "the node's answer is no task"}};
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
  has a node run PROGRAM in a sandbox: a file of yours, or the content id of one that is stored. It starts in /task with
  the arguments behind it, sees its inputs below /task, read-only, and no network but --network; what it prints, and the files named by
  --output, come back. Prints the id of the task, or with --wait what the program prints
  A program without a loader of its own, such as a static one, runs anywhere. One that begins with #!, or is linked to
  libraries, needs --root with what loads it, or a node that shows its /usr (task.host_usr)
  --root is a folder, a tar archive that is not compressed, or the content id of one: at most 4 GiB unpacked, 200,000
  entries. Inside, all of it can be read and none of it written; its /dev, /proc, /run, /sys, /task and /tmp are not
  seen
  --network names a host that it may talk to. Inside, that name and port alone connect, and the node carries what is said
  to the host. Where an attempt was lost, the next one begins once that cannot talk to anyone any more
  --replicas has several nodes of different owners run it, until --quorum of them say the same
  --array prints the id of the array; ID.0 is its first member. --wait then prints what its members print, in order
exits
  1 with --wait if the task has failed, was cancelled or expired; 3 if some members of an array have, but not all; 5 if neither the root nor a node has what would load
  it, or the root cannot be unpacked; 7 if no known node could ever run it, or accepts it (task.accept)
)";

constexpr const char* kViewNotes = R"(
states
  queued running verifying done failed cancelled expired; of an attempt: starting running answered lost refused ended
verdicts of an attempt
  open, until enough nodes have said the same; right or wrong from then on; malicious if it tried what no task may
)";

constexpr const char* kResultNotes = R"(
what it does
  prints the standard output of the attempt that decided, of an array that of its members, in order; -o DIR writes it to DIR/stdout, the errors to DIR/stderr and
  each output to its path below DIR; of an array each member has a folder of its own, DIR/0, DIR/1, …
  On a terminal control characters are escaped: a node of others may have written them
exits
  5 if the task has not ended, or has no result; 3 if some members of an array are not done: why stands on standard error
)";

constexpr const char* kLogsNotes = R"(
what it does
  prints both streams of the attempt that decided, else of the newest one, in the order in which they came; of an array
  those of its members, one after the other; on a terminal control characters are escaped
  With -f, where that attempt is lost, what another one prints follows: a note on standard error says so, and with --json
  each line has the token of its attempt
exits
  3 if some members of an array are not known any more, or were not made yet
)";

constexpr const char* kCancelNotes = R"(
exits
  5 if it has ended otherwise; what was cancelled before stays so: 0
)";

Option wait_option(const char* help) { return {.name = "--wait", .help = help}; }
Positional id_argument() { return {.name = "ID", .help = "the id of a task or array, or ID.K: a member"}; }

std::vector<Option> submit_options() {
  std::vector<Option> out = {
      {.name = "--stdin", .value = "FILE", .help = "what it reads from standard input; - is that of this command"},
      {.name = "--input",
       .value = "CID:PATH",
       .help = "a stored content that it sees at /task/PATH",
       .repeatable = true},
      {.name = "--output", .value = "PATH", .help = "a file below /task that is kept", .repeatable = true},
      {.name = "--root",
       .value = "CID|DIR|ARCHIVE",
       .help = "what it sees as /, read-only: a folder, a tar archive, or the content id of one"},
      {.name = "--network",
       .value = "HOST:PORT",
       .help = "a host that it may talk to, through a node that grants it (task.network)",
       .repeatable = true},
      {.name = "--need", .value = "WHAT", .help = "of its node, such as 'memory>=4G,arch=x86_64'"},
      number_option("--priority", "N", "9 goes first; else 5", 0, task::kPriorityMax),
      number_option("--replicas", "N", "nodes that run it; else 1", 1, task::kReplicasMax),
      number_option("--quorum", "M", "equal answers that decide; else most of the replicas", 1, task::kReplicasMax),
      {.name = "--risk", .value = "P", .help = "as many as keep wrong answers below that share, such as 0.001"},
      {.name = "--deterministic", .help = "it always comes to the same, so replicas can be compared"},
      {.name = "--after",
       .value = "ID",
       .help = "begin once that task, or each of that array, is done; cancelled if it is not done at its end"},
      number_option("--array", "N", "submit it N times; in its arguments {index} is 0, 1, … N-1", 1, task::kArrayMax),
      {.name = "--max-price",
       .value = "AMOUNT",
       .help = "pay a node up to that, from the account of this one; else nothing"},
      number_option("--retries", "N", "how often it is tried again elsewhere; else 2", 0, task::kRetriesMax),
      wait_option("wait for its end, and print what it prints"),
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
       .summary = "Have a node run a program",
       .options = submit_options(),
       .positionals = {{.name = "PROGRAM", .help = "a file, or a content id"},
                       {.name = "ARG",
                        .help = "its arguments; behind -- they may begin with a dash",
                        .arity = Arity::any}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kSubmitNotes,
       .run = task_submit},
      {.name = "task ls", .summary = "List the tasks that were submitted here", .needs = Needs::view, .run = task_list},
      {.name = "task view",
       .summary = "Show a task and its attempts",
       .options = {{.name = "--why", .help = "also why the known nodes do not fit now"}},
       .positionals = {id_argument()},
       .needs = Needs::view,
       .notes = kViewNotes,
       .run = task_view},
      {.name = "task logs",
       .summary = "Print what a task has printed",
       .options = {{.name = "-f", .help = "and what it prints from now on", .alias = "--follow"}},
       .positionals = {id_argument()},
       .needs = Needs::view,
       .notes = kLogsNotes,
       .run = task_logs},
      {.name = "task cancel",
       .summary = "End a task",
       .positionals = {id_argument()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kCancelNotes,
       .run = task_cancel},
      {.name = "task result",
       .summary = "Print what a task has come to",
       .options = {{.name = "-o", .value = "DIR", .help = "write it and all outputs to files there"},
                   wait_option("wait for its end")},
       .positionals = {id_argument()},
       .needs = Needs::view,
       .notes = kResultNotes,
       .run = task_result},
  };
}

}  // namespace troupe::apps
