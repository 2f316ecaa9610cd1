// troupe task ls, and task cancel
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/task/task.hpp"
#include "messages/codec.hpp"
#include "messages/output/task.capnp.h"

namespace troupe::apps {
namespace {

namespace wire = task::wire;

struct Row {
  task::TaskId id;
  std::string state, node, reason, member;
  unsigned priority = 0, attempt = 0;
  std::uint64_t submitted = 0;
  std::uint32_t index = 0;
};

Client::Outcome<std::vector<Row>> list(Client& client) {
  std::vector<Row> out;
  for (bool more = true; more;) {
    auto page = client.ask<wire::ListTasks, wire::TaskRows>(task::kOrdersPath, tasks::kDue,
                                                            [&](wire::ListTasks::Builder question) {
                                                              if (!out.empty())
                                                                question.setBehind(data_of(out.back().id.view()));
                                                            });
    if (!page.ok()) return page.error();
    const std::size_t before = out.size();
    for (const auto row : page.value().root().getRows()) {
      const auto id = task::TaskId::from(bytes_of(row.getId()));
      const auto node = node_of(row.getNode());
      const auto array = task::TaskId::from(bytes_of(row.getArray()));
      if (id)
        out.push_back({*id, tasks::state_text(row.getState()), node ? node->hex() : "", text_of(row.getReason()),
                       array ? array->hex() + '.' + std::to_string(row.getIndex()) : "", row.getPriority(),
                       row.getAttempt(), row.getSubmittedMs(), row.getIndex()});
    }
    more = page.value().root().getMore() && out.size() > before;
  }
  std::ranges::sort(out, {}, [](const Row& row) { return std::tuple(row.submitted, row.index, row.id); });
  return out;
}

void print_json(Console& console, const std::vector<Row>& rows) {
  JsonLine<output::wire::TaskList> line;
  auto to = line->initRows(size32(rows));
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setTask(data(rows[i].id.view()));
    to[i].setState(rows[i].state);
    to[i].setPriority(rows[i].priority);
    to[i].setAttempt(rows[i].attempt);
    if (const auto node = base::NodeId::from_hex(rows[i].node)) to[i].setNode(data(node->view()));
    if (!rows[i].reason.empty()) to[i].setReason(rows[i].reason);
    to[i].setSubmitted(rows[i].submitted);
    if (!rows[i].member.empty()) to[i].setMember(rows[i].member);
  }
  write_json_line(console.out, capnp::toDynamic(to.asReader()));
}

}  // namespace

Ending task_list(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto rows = list(*client.value());
  if (!rows.ok()) return rows.error();
  if (invocation.globals.json) {
    print_json(console, rows.value());
    return Exit::done;
  }
  TextTable table({{"TASK"}, {"STATE"}, {"PRIORITY", Align::right}, {"ATTEMPTS", Align::right}, {"NODE"}, {"REASON"}});
  for (const Row& row : rows.value())
    table.add({row.member.empty() ? row.id.hex() : row.member, row.state, std::to_string(row.priority),
               std::to_string(row.attempt), row.node.empty() ? "-" : row.node, row.reason.empty() ? "-" : row.reason});
  table.print(console.out);
  return Exit::done;
}

Ending task_cancel(const Invocation& invocation, Console& console) {
  const auto id = tasks::id_of(invocation);
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto known = tasks::resolve(*client.value(), id.value());
  if (!known.ok()) return known.error();
  auto answer = client.value()->ask<wire::CancelTask, wire::TaskCancelled>(
      task::kOrdersPath, tasks::kDue, [&](wire::CancelTask::Builder out) { out.setId(data_of(known.value().view())); });
  if (!answer.ok()) return answer.error();
  if (!invocation.globals.json) return Exit::done;
  JsonLine<output::wire::TaskCancelled> line;
  line->setTask(data(known.value().view()));
  line->setState(std::string(name(task::State::cancelled)));
  line.print(console.out);
  return Exit::done;
}

}  // namespace troupe::apps
