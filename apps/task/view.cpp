// troupe task view
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/task/task.hpp"
#include "apps/wallet/typed.hpp"
#include "messages/codec.hpp"
#include "messages/output/task.capnp.h"
#include "messages/usage.hpp"
#include "runtime/base/text.hpp"
#include "runtime/base/whole_units.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

using tasks::Shown;

void write(output::wire::TaskAttempt::Builder to, const task::Attempt& from) {
  to.setToken(from.token);
  to.setNode(data(from.node.view()));
  to.setState(std::string(name(from.state)));
  if (from.exit_status) to.getExitStatus().setValue(*from.exit_status);
  if (from.signal) to.getSignal().setValue(*from.signal);
  if (from.limit) to.setLimit(std::string(name(*from.limit)));
  if (from.state == task::AttemptState::answered) messages::write_usage(to.initUsage(), from.usage);
  to.setVerdict(std::string(name(from.verdict)));
  if (!from.why.empty()) to.setReason(from.why);
  to.setBegan(from.began_ms);
}

void print_json(Console& console, const task::TaskId& id, const Shown& shown) {
  const auto& [order, task, why, parts, escrow] = shown;
  JsonLine<output::wire::TaskView> line;
  line->setTask(data(id.view()));
  line->setState(std::string(name(task.state())));
  line->setPriority(order.priority);
  line->setAttempt(size32(task.attempts()));
  if (!task.attempts().empty()) line->setNode(data(task.attempts().back().node.view()));
  if (!task.reason().empty()) line->setReason(task.reason());
  line->setSubmitted(task.submitted_ms());
  if (final(task.state())) line->getEnded().setValue(task.ended_ms());
  line->setProgram(data(order.program.view()));
  auto arguments = line->initArguments(size32(order.arguments));
  for (unsigned i = 0; i < arguments.size(); ++i) arguments.set(i, order.arguments[i]);
  line->setReplicas(order.replicas);
  line->setQuorum(task.quorum());
  line->setTrusted(task.believes());
  auto attempts = line->initAttempts(size32(task.attempts()));
  for (unsigned i = 0; i < attempts.size(); ++i) write(attempts[i], task.attempts()[i]);
  if (!why.empty()) line->setWhy(why);
  auto hosts = line->initNetwork(size32(order.hosts));
  for (unsigned i = 0; i < hosts.size(); ++i) hosts.set(i, order.hosts[i]);
  if (order.price_max) line->setMaxPrice(std::to_string(*order.price_max));
  if (escrow) line->setEscrow(data(escrow->view()));
  if (!parts.empty()) {
    auto result = line->initResult();
    auto outputs = result.initOutputs(size32(parts) - 1);
    unsigned at = 0;
    for (const auto& part : parts) {
      if (part.output == task::kStandardPart) {
        result.setBytes(part.bytes);
        result.setDigest(data(part.digest.view()));
      } else if (part.output < order.outputs.size() && at < outputs.size()) {
        outputs[at].setPath(order.outputs[part.output]);
        outputs[at].setBytes(part.bytes);
        outputs[at++].setDigest(data(part.digest.view()));
      }
    }
  }
  line.print(console.out);
}

std::string end_text(const task::Attempt& one) {
  if (one.limit) return "limit " + std::string(name(*one.limit));
  if (one.signal) return "signal " + std::to_string(*one.signal);
  if (one.exit_status) return "exit " + std::to_string(*one.exit_status);
  return one.why.empty() ? "-" : one.why;
}

void print_text(Console& console, const task::TaskId& id, const Shown& shown, bool with_why) {
  const auto& [order, task, why, parts, escrow] = shown;
  console.out << "task      " << id.hex() << '\n'
              << "state     " << name(task.state())
              << (task.reason().empty() ? "" : ": " + base::printable(task.reason())) << '\n'
              << "submitted " << wallets::date_of(wallet::UnixMs(task.submitted_ms())) << '\n'
              << "program   " << order.program.hex() << '\n';
  if (order.root) console.out << "root      " << order.root->hex() << '\n';
  for (const std::string& host : order.hosts) console.out << "network   " << base::printable(host) << '\n';
  for (const auto& part : parts)
    if (part.output < order.outputs.size())
      console.out << "output    " << order.outputs[part.output] << ", " << part.bytes << " bytes\n";
  if (escrow) console.out << "escrow    " << escrow->hex() << '\n';
  if (with_why) console.out << "nodes     " << (why.empty() ? "all known nodes fit" : why) << '\n';
  if (task.attempts().empty()) return;
  console.out << '\n';
  TextTable table({{"NODE"}, {"STATE"}, {"END"}, {"VERDICT"}, {"CPU", Align::right}, {"MEMORY", Align::right}});
  for (const task::Attempt& one : task.attempts())
    table.add({one.node.hex(), std::string(name(one.state)), end_text(one), std::string(name(one.verdict)),
               config::duration_text(std::chrono::milliseconds(base::milliseconds(one.usage.cpu))),
               bytes_for_people(one.usage.memory_bytes_max)});
  table.print(console.out);
}

void print_array(Console& console, const task::TaskId& id, const tasks::ShownArray& shown, bool json) {
  if (json) {
    JsonLine<output::wire::TaskArrayView> line;
    line->setTask(data(id.view()));
    line->setMembers(shown.array.members);
    line->setQueued(shown.in(task::State::queued));
    line->setRunning(shown.in(task::State::running));
    line->setVerifying(shown.in(task::State::verifying));
    line->setDone(shown.in(task::State::done));
    line->setFailed(shown.in(task::State::failed));
    line->setCancelled(shown.in(task::State::cancelled));
    line->setExpired(shown.in(task::State::expired));
    return line.print(console.out);
  }
  console.out << "array     " << id.hex() << '\n'
              << "members   " << shown.array.members << ": " << id.hex() << ".0 and up\n"
              << "program   " << shown.array.order.program.hex() << '\n';
  for (unsigned i = 0; i < task::kStates; ++i) {
    std::string name(task::name(static_cast<task::State>(i)));
    name.resize(10, ' ');
    if (shown.states[i] > 0) console.out << name << shown.states[i] << '\n';
  }
}

}  // namespace

Ending task_view(const Invocation& invocation, Console& console) {
  const auto id = tasks::id_of(invocation);
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto known = tasks::resolve(*client.value(), id.value());
  if (!known.ok()) return known.error();
  const auto shown = tasks::ask(*client.value(), known.value());
  if (!shown.ok() && shown.error().error.code == base::Code::not_found && !id.value().member) {
    const auto array = tasks::ask_array(*client.value(), known.value());
    if (!array.ok()) return shown.error();
    print_array(console, known.value(), array.value(), invocation.globals.json);
    return Exit::done;
  }
  if (!shown.ok()) return shown.error();
  if (invocation.globals.json) print_json(console, known.value(), shown.value());
  else print_text(console, known.value(), shown.value(), invocation.has("--why"));
  return Exit::done;
}

}  // namespace troupe::apps
