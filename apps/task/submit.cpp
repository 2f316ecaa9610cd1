// troupe task submit
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>

#include "actors/task/logic/loader.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/files/file.hpp"
#include "apps/registry/registry.hpp"
#include "apps/sandbox/sandbox.hpp"
#include "apps/task/task.hpp"
#include "apps/wallet/typed.hpp"
#include "messages/codec.hpp"
#include "messages/node.capnp.h"
#include "messages/output/task.capnp.h"
#include "runtime/base/text.hpp"
#include "runtime/ports/disk.hpp"
#include "runtime/ports/processes.hpp"

namespace troupe::apps {
namespace {

namespace wire = task::wire;
using base::Code;

constexpr const char* kHelp = "troupe help task submit";
constexpr std::chrono::seconds kRegisteredWithin{10};  // our choice

/// Stores the file that an option or argument names, or the bytes that came with a request.
Client::Outcome<task::Cid> stored(Client& client, const Invocation& invocation, Console& console, const char* name) {
  const auto& server = invocation.globals.server;
  auto cid =
      server ? put_bytes(client, console, server->inputs.at(name)) : put_file(client, console, *invocation.text(name));
  if (!cid.ok()) return cid.error();
  return *task::Cid::from(cid.value().view());
}

/// "CID:PATH"
std::optional<task::Input> input_typed(const std::string& text) {
  const auto colon = text.find(':');
  const auto cid = task::Cid::from_hex(text.substr(0, colon));
  if (!cid || colon == text.npos) return std::nullopt;
  return task::Input{*cid, text.substr(colon + 1)};
}

/// Returns the failure for an invalid path below /task; `what` is "input" or "output".
std::optional<Failure> path_fault(const char* what, const std::string& path) {
  if (ports::path_ok(path)) return std::nullopt;
  return usage_failure("the " + std::string(what) + " \"" + base::shortened(path, 120) +
                           "\" is not a path below /task: each part needs 1 to 255 bytes without control characters, "
                           "and must not be . or ..",
                       kHelp);
}

/// Returns --risk, or nullopt if it is missing or invalid.
std::optional<double> risk_typed(const Invocation& invocation) {
  const auto typed = invocation.text("--risk");
  double out = 0;
  if (!typed) return std::nullopt;
  const char* const last = typed->data() + typed->size();
  const auto [end, failed] = std::from_chars(typed->data(), last, out, std::chars_format::fixed);
  return failed == std::errc() && end == last && out > 0 && out < 1 ? std::optional(out) : std::nullopt;
}

/// Returns the order without its objects: the part that is known before the node is asked.
base::Result<task::Order, Failure> order_of(const Invocation& invocation) {
  task::Order out;
  out.arguments = invocation.all("ARG");
  for (const std::string& typed : invocation.all("--input")) {
    const auto input = input_typed(typed);
    if (!input)
      return usage_failure("invalid input: expected CID:PATH, a content id and a path below /task, got \"" +
                               base::shortened(typed, 120) + '"',
                           kHelp);
    if (const auto wrong = path_fault("input", input->path)) return *wrong;
    out.inputs.push_back(*input);
  }
  std::ranges::sort(out.inputs, {}, &task::Input::path);
  out.outputs = invocation.all("--output");
  for (const std::string& path : out.outputs)
    if (const auto wrong = path_fault("output", path)) return *wrong;
  std::ranges::sort(out.outputs);
  for (const char* stream : {"stdout", "stderr"})
    if (std::ranges::find(out.outputs, stream) != out.outputs.end())
      return usage_failure(
          "an output named " + std::string(stream) + " would be confused with the standard stream of that name", kHelp);
  for (const std::string& typed : invocation.all("--network")) {
    const auto host = base::HostPort::parse(typed);
    if (!host || host->port == 0)
      return usage_failure("invalid host: expected HOST:PORT, got \"" + base::shortened(typed, 120) + '"', kHelp);
    out.hosts.push_back(host->text());
  }
  std::ranges::sort(out.hosts);
  out.hosts.erase(std::unique(out.hosts.begin(), out.hosts.end()), out.hosts.end());
  const auto limits = limits_of(invocation, Streams::no_limit);
  if (!limits.ok()) return limits.error();
  out.limits = limits.value();
  out.need = invocation.text("--need").value_or("");
  const auto number = [&](const char* option, std::uint8_t otherwise) {
    return static_cast<std::uint8_t>(invocation.number(option).value_or(otherwise));
  };
  out.priority = number("--priority", out.priority);
  out.retries = number("--retries", out.retries);
  out.replicas = number("--replicas", 1);
  out.quorum = number("--quorum", static_cast<std::uint8_t>(out.replicas / 2 + 1));
  out.deterministic = invocation.has("--deterministic");
  if (const auto typed = invocation.text("--after")) {
    out.after = task::TaskId::from_hex(*typed);
    if (!out.after) return usage_failure("invalid task id: expected 64 hexadecimal digits", kHelp);
  }
  if (const auto typed = invocation.text("--max-price")) {
    const auto most = wallets::amount_typed(*typed, kHelp);
    if (!most.ok()) return most.error();
    out.price_max = most.value().units();
    out.payment = task::Payment::escrow;
  }
  out.queue_max_s = std::numeric_limits<std::uint32_t>::max();  // as its node has it
  if (invocation.has("--risk")) {
    if (!risk_typed(invocation))
      return usage_failure("invalid risk: expected a number above 0 and below 1, such as 0.001", kHelp);
    if (invocation.has("--replicas") || invocation.has("--quorum"))
      return usage_failure("--risk sets the number of replicas: do not combine it with --replicas or --quorum", kHelp);
    if (!out.deterministic)
      return usage_failure("several replicas are compared, so the program must be deterministic",
                           "troupe task submit --risk P --deterministic …");
  }
  if (out.replicas > 1 && !out.deterministic)
    return usage_failure("several replicas are compared, so the program must be deterministic",
                         "troupe task submit --replicas N --deterministic …");
  if (const auto wrong = fault(out)) return usage_failure(std::string(name(*wrong)), kHelp);
  return out;
}

/// Returns the first bytes of the program, which name its loader.
Client::Outcome<base::Bytes> head_of(Client& client, const task::Cid& program) {
  base::Bytes out;
  const auto read = client.subscribe<files::wire::GetFile, files::wire::GetItem>(
      files::kPath, kFileIdle,
      [&](files::wire::GetFile::Builder question) {
        question.setCid(data_of(program.view()));
        auto part = question.getPart().initRange();
        part.setFirst(0);
        part.setLast(task::kLoaderBytes - 1);
      },
      [&](files::wire::GetItem::Reader item) -> Client::Outcome<void> {
        if (item.isPiece()) base::append(out, bytes_of(item.getPiece()));
        return {};
      });
  if (!read.ok()) return read.error();
  return out;
}

/// Returns the size of the file that an option or argument names, or nullopt for a content id and for `-`.
std::optional<std::uintmax_t> size_of(const Invocation& invocation, const char* name) {
  if (const auto& server = invocation.globals.server) {
    const auto input = server->inputs.find(name);
    return input == server->inputs.end() ? std::nullopt : std::optional<std::uintmax_t>(input->second.size());
  }
  std::error_code none;
  const auto size = std::filesystem::file_size(*invocation.text(name), none);
  return none ? std::nullopt : std::optional(size);
}

/// Returns a failure that can be found before anything is stored, or nullopt.
std::optional<Failure> local_fault(const Invocation& invocation) {
  const std::string program = *invocation.text("PROGRAM");
  if (!task::Cid::from_hex(program) && size_of(invocation, "PROGRAM") == 0)
    return Failure{{Code::refused, "the program cannot be run: it is empty"}, "nothing was submitted"};
  const auto input = invocation.text("--stdin");
  if (input && size_of(invocation, "--stdin").value_or(0) > ports::kInputBytesMax)
    return Failure{{Code::refused, "standard input is limited to 1 MiB"},
                   "nothing was submitted",
                   "troupe file put " + shell_word(*input) + "; then use --input CID:PATH and read that file"};
  return std::nullopt;
}

/// Returns why a program without a root is not submitted, or nullopt: no node that shows its /usr has the loader.
Client::Outcome<std::optional<Failure>> loader_fault(Client& client, const Invocation& invocation,
                                                     const std::string& loader) {
  const auto fault = [&](const std::string& why) {
    return std::optional(Failure{{Code::refused, "the program needs " + loader + ", " + why},
                                 "nothing was submitted",
                                 "--root DIR, a folder that contains it and its libraries"});
  };
  if (!task::in_usr(loader)) return fault("but nodes show at most their own /usr (task.host_usr)");
  std::error_code unknown;
  if (invocation.globals.node || std::filesystem::exists(loader, unknown)) return std::optional<Failure>();
  // This machine does not have the loader; another node may have it.
  auto status = client.ask<node::wire::GetStatus, node::wire::NodeStatus>("/node", tasks::kDue,
                                                                          [](node::wire::GetStatus::Builder) {});
  if (!status.ok()) return status.error();
  const auto self = node_of(status.value().root().getNode());
  const auto listed = registries::list_nodes(client);
  if (!listed.ok()) return listed.error();
  const bool others = std::ranges::any_of(listed.value().rows, [&](const registries::Row& row) {
    return row.registration.id() != self && registry::find(row.registration.capabilities, task::kUsrCapability);
  });
  if (others) return std::optional<Failure>();
  return fault("which this machine does not have, and no other node shows its /usr (task.host_usr)");
}

/// Stores the program, its input and its root, and writes their ids to the order. Returns the path of the program's
/// loader; empty if it needs none.
base::Result<std::string, Failure> store_contents(Client& client, const Invocation& invocation, Console& console,
                                                  task::Order& out) {
  const std::string program = *invocation.text("PROGRAM");
  if (const auto cid = task::Cid::from_hex(program)) {
    out.program = *cid;
  } else {
    auto put = stored(client, invocation, console, "PROGRAM");
    if (!put.ok()) return put.error();
    out.program = put.value();
  }
  if (invocation.has("--stdin")) {
    auto put = stored(client, invocation, console, "--stdin");
    if (!put.ok()) return put.error();
    out.standard_input = put.value();
  }
  const auto head = head_of(client, out.program);
  if (!head.ok()) return head.error();
  const auto loader = task::loader_of(head.value());
  if (!loader.ok())
    return Failure{{Code::refused, "the program cannot be run: " + loader.error().why}, "nothing was submitted"};
  if (const auto typed = invocation.text("--root")) {
    if (invocation.globals.server && !task::Cid::from_hex(*typed))
      return usage_failure("\"root\" needs the content id of an archive", "");
    auto root = tasks::store_root(client, console, *typed, loader.value());
    if (!root.ok()) return root.error();
    out.root = root.value();
  }
  if (!out.root && !loader.value().empty()) {
    const auto why = loader_fault(client, invocation, loader.value());
    if (!why.ok()) return why.error();
    if (why.value()) return *why.value();
    out.need += (out.need.empty() ? "" : ",") + std::string(task::kUsrCapability);
  }
  return std::string(loader.value());
}

/// Prints the id of the task, or its results with --wait.
Ending report(const Invocation& invocation, Console& console, Client& client, const task::TaskId& id) {
  if (invocation.has("--wait")) {
    console.err << "task " << id.hex() << '\n';  // an interrupted command leaves the task running
    Ending waited =
        invocation.has("--array") ? tasks::wait_for_array(client, console, id) : tasks::wait_for(client, console, id);
    if (waited.ok() || !waited.error().try_.empty()) return waited;
    // A second submission would pay for the task twice.
    Failure why = waited.error();
    why.outcome = "the task was submitted, and continues";
    why.try_ = "troupe task view " + id.hex();
    return why;
  }
  if (invocation.globals.json) {
    JsonLine<output::wire::TaskId> line;
    line->setTask(data(id.view()));
    line.print(console.out);
  } else {
    console.out << id.hex() << '\n';
  }
  return Exit::done;
}

}  // namespace

Ending task_submit(const Invocation& invocation, Console& console) {
  auto order = order_of(invocation);
  if (!order.ok()) return order.error();
  const auto request = wallets::request_or_new(invocation);
  if (!request.ok()) return request.error();
  if (const auto why = local_fault(invocation)) return *why;
  auto connected = Client::connect(invocation, console);
  if (!connected.ok()) return connected.error();
  Client& client = *connected.value();
  task::Order& out = order.value();
  const auto loader = store_contents(client, invocation, console, out);
  if (!loader.ok()) return loader.error();
  const auto submit = [&] {
    return client.ask<wire::SubmitTask, wire::TaskSubmitted>(
        task::kOrdersPath, tasks::kDue, [&](wire::SubmitTask::Builder question) {
          question.setOrder(data_of(encode(out)));
          question.setRequest(request.value());
          question.setArray(static_cast<std::uint32_t>(invocation.number("--array").value_or(0)));
          question.setRisk(risk_typed(invocation).value_or(0));
        });
  };
  // Other nodes know of a new registration some seconds later.
  const auto submitted = [&] {
    const auto waited_for = client.waits_for("a node that can run the task");
    return client.ask_until(kRegisteredWithin, submit);
  };
  auto answer = invocation.has("--wait") ? submitted() : submit();
  if (!answer.ok()) {
    Failure why = answer.error();
    if (why.error.code == Code::refused && !out.root && !loader.value().empty())
      return Failure{{Code::refused, "the program needs " + loader.value() + ": " + why.error.message},
                     "nothing was submitted",
                     "a static program; or set task.host_usr on a node that has the loader"};
    // The node has checked all nodes that it knows: a retry would not help.
    if (why.error.code == Code::unavailable && why.try_.empty()) why.try_ = "troupe registry ls";
    return why;
  }
  const auto id = task::TaskId::from(bytes_of(answer.value().root().getId())).value_or(task::TaskId{});
  return report(invocation, console, client, id);
}

}  // namespace troupe::apps
