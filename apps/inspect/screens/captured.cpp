#include "apps/inspect/screens/captured.hpp"

#include <algorithm>
#include <sstream>

#include "apps/cli/json.hpp"
#include "apps/inspect/inspect.hpp"
#include "messages/output/inspect.capnp.h"

namespace troupe::apps::screens {
namespace {

/// Sets a list of texts; `make` converts each item to a text.
template <class Init, class Items, class Make>
void texts(Init&& init, const Items& items, Make&& make) {
  auto list = init(static_cast<unsigned>(items.size()));
  unsigned at = 0;
  for (const auto& item : items) list.set(at++, std::string(make(item)));
}

void write(output::wire::InspectedActor::Builder out, const ActorRow& row) {
  out.setPath(row.path);
  out.setKind(row.kind);
  out.setState(row.state);
  out.setMailbox(row.mailbox);
  out.setOldestMs(row.oldest_ms);
  out.setHandled(row.handled);
  out.setPerSecond(row.per_second);
  out.setBusy(row.busy);
  out.setP50Us(row.p50_us);
  out.setP99Us(row.p99_us);
  out.setMaxUs(row.max_us);
  out.setRestarts(static_cast<std::uint32_t>(row.restarts));
  out.setAsking(static_cast<std::uint32_t>(row.asking));
  out.setRefused(row.refused);
  out.setDeadLetters(row.dead_letters);
  if (!row.last_error.empty()) out.setLastError(row.last_error);
  if (!row.head_kind.empty()) out.setHeadKind(row.head_kind);
  if (!row.head_from.empty()) out.setHeadFrom(row.head_from);
}

void write(output::wire::CapturedActor::Builder out, const Look& look) {
  out.setPath(look.row.path);
  out.setKind(look.row.kind);
  out.setState(look.row.state);
  if (!look.state_kind.empty()) out.setShows(look.state_kind + " " + look.state);
  if (!look.handling.empty()) out.setHandling(look.handling);
  if (!look.parent.empty()) out.setParent(look.parent);
  texts([&](unsigned size) { return out.initChildren(size); }, look.children, [](const auto& one) { return one; });
  texts([&](unsigned size) { return out.initAsks(size); }, look.asks,
        [](const Ask& one) { return one.kind + " of " + one.to; });
  texts([&](unsigned size) { return out.initTimers(size); }, look.timers, [](const Timer& one) { return one.name; });
  texts([&](unsigned size) { return out.initErrors(size); }, look.errors,
        [](const PastError& one) { return one.code + ": " + one.text; });
}

void write(output::wire::TracedMessage::Builder out, const Message& one) {
  out.setAt(inspect_command::time_of(one.unix_ms));
  out.setWay(one.way);
  out.setPath(one.path);
  if (!one.other.empty()) out.setOther(one.other);
  out.setKind(one.kind);
  out.setForm(one.form);
  if (one.trace != 0) out.setTrace(inspect_command::trace_text(one.trace));
  out.setBytes(static_cast<std::uint32_t>(one.bytes));
  out.setText(one.text);
  out.setWaitedUs(one.waited_us);
  out.setTookUs(one.took_us);
  out.setSpan(one.span);
  out.setHandler(one.handler);
}

}  // namespace

std::string captured(const Model& model) {
  const NodeData& data = model.shown();
  JsonLine<output::wire::CapturedNode> line;
  if (data.status) {
    line->setNode(data.status->node);
    line->setName(data.status->name);
    line->setVersion(data.status->version);
    line->setHealth(data.status->health);
    line->setStage(data.status->stage);
    line->setAgeMs(static_cast<std::uint64_t>((model.now - data.heard) / std::chrono::milliseconds(1)));
    texts([&](unsigned size) { return line->initReasons(size); }, data.status->reasons,
          [](const Reason& one) { return one.source + ": " + one.text; });
  }
  if (data.lost) line->setLost(*data.lost);
  auto actors = line->initActors(static_cast<unsigned>(data.actors.rows.size()));
  for (unsigned i = 0; i < actors.size(); ++i) write(actors[i], data.actors.rows[i]);
  line->setActorsInAll(data.actors.total);
  if (data.look) write(line->initActor(), *data.look);
  auto messages = line->initMessages(static_cast<unsigned>(model.messages.size()));
  for (unsigned i = 0; i < messages.size(); ++i) write(messages[i], model.messages[i]);
  line->setMessagesDropped(model.messages_dropped);
  texts([&](unsigned size) { return line->initLog(size); }, data.log, [](const auto& one) { return one; });
  std::ostringstream out;
  line.print(out);
  return out.str();
}

std::string capture_file(const std::string& typed, const Model& model) {
  if (!typed.empty()) return typed;
  std::string name = model.shown().status ? model.shown().status->name : "node";
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_'; });
  return (name.empty() ? "node" : name) + ".capture";
}

}  // namespace troupe::apps::screens
