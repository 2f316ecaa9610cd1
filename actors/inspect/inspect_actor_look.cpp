// One actor: its own description between two messages, and what can be seen if it does not answer.
#include <algorithm>

#include "actors/inspect/inspect_actor.hpp"
#include "actors/inspect/row_of.hpp"
#include "messages/schemas.hpp"
#include "runtime/base/nearest.hpp"

namespace troupe::inspect {
namespace {

constexpr std::size_t kOffered = 2'000;  // our choice: comparing that many paths takes some milliseconds

}  // namespace

void InspectActor::look_at(wire::LookAt::Reader question, runtime::Reply<wire::Looked> reply) {
  const std::string path(question.getPath().begin(), question.getPath().size());
  const runtime::Handle whom = node().find(path);
  if (!whom) return reply.refuse({base::Code::not_found, nobody_at(path)});
  if (whom == self()) {  // it would wait for its own answer
    return reply.send([&](wire::Looked::Builder out) { show(out, path, nullptr, "it is the inspector itself"); });
  }
  ask<runtime::wire::Portray, runtime::wire::Portrait>(
      whom, now() + kPortraitDue, [](runtime::wire::Portray::Builder out) { out.setLooks(true); },
      [this, path, reply = std::move(reply)](const runtime::Answer<runtime::wire::Portrait>& answer) mutable {
        reply.send([&](wire::Looked::Builder out) {
          if (answer.ok()) return show(out, path, &answer.envelope(), "");
          const bool hangs = answer.error().code == base::Code::timeout;
          show(out, path, nullptr, hangs ? "it did not answer this request within 2 s" : answer.error().message);
        });
      });
}

/// Returns the error for a missing actor: it ended recently, or has a similar name.
std::string InspectActor::nobody_at(const std::string& path) {
  const auto ended = node().ended().list();
  if (const auto one = std::ranges::find(ended, path, &runtime::Ended::path); one != ended.end()) {
    const auto ago = std::chrono::duration_cast<std::chrono::seconds>(now() - one->at).count();
    return "the actor \"" + path + "\" has ended " + std::to_string(ago) + " s ago (" +
           std::string(name(one->decision)) + (one->why.empty() ? "" : ": " + one->why) + ')';
  }
  // Among a million actors, the first thousands are enough for a suggestion.
  const base::Instant until = now() + kSlice;
  std::vector<std::string> paths;
  runtime::Registry::Cursor place;
  while (!place.at_end() && paths.size() < kOffered && now() < until)
    node().registry().walk_on(place, [&](const runtime::Listing& one) { paths.push_back(one.path); });
  const std::vector<std::string_view> known(paths.begin(), paths.end());
  return "there is no actor \"" + path + "\"; did you mean \"" + std::string(base::nearest(path, known)) + "\"?";
}

void InspectActor::show(wire::Looked::Builder out, const std::string& path, const runtime::Envelope* portrait,
                        const std::string& silent) {
  const base::Instant at = now();
  std::vector<std::uint64_t> numbers;
  out.setNode(kj::arrayPtr(setup_.node.bytes.data(), setup_.node.bytes.size()));
  out.setSilent(silent);
  const auto one = node().registry().listing(path);
  if (one) {
    const auto turns = node().long_turns();
    const auto running = runtime::turn_of(one->record.get(), runtime::turns());
    const auto turn = std::ranges::find(turns, one->record.get(), &runtime::LongTurn::record);
    write_row(out.initRow(), row_of(path, one->kind, *one->record, at, turn != turns.end(), running), *one->record, at,
              running);
    if (turn != turns.end()) {
      if (turn->kind != nullptr) out.setHandling(std::string(turn->kind->name));
      out.setHandlingMs(
          static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(at - turn->since).count()));
    }
  } else {
    out.initRow().setPath(path);  // it has ended since
  }
  if (portrait != nullptr) {
    runtime::Envelope::Reading<runtime::wire::Portrait> reading(*portrait);
    const auto seen = reading.root();
    out.setPortrait(seen);
    if (const auto parent = seen.getParentNumber(); parent != 0)
      out.getPortrait().setParent(names_of({parent}).at(parent));
    for (const auto ask : seen.getAsks()) numbers.push_back(ask.getTo());
    for (const auto message : seen.getMessages()) numbers.push_back(message.getFrom());
    for (const auto watched : seen.getWatching()) numbers.push_back(watched);
    for (const auto watcher : seen.getWatchers()) numbers.push_back(watcher);
    if (const auto* kind = messages::find_kind(seen.getStateKind())) {
      out.setStateName(std::string(kind->name));
      const auto types = messages::schemas_of(kind->id);
      auto schemas = out.initSchemas(static_cast<unsigned>(types.size()));
      for (unsigned i = 0; i < schemas.size(); ++i)
        schemas.set(i, kj::arrayPtr(types[i]->node.data(), types[i]->node.size()));
    }
  }
  if (const auto from = one && one->record->depth() > 0 ? one->record->head(at).from : 0; from != 0)
    out.getRow().setHeadFrom(names_of({from}).at(from));
  const auto names = names_of(std::move(numbers));
  auto list = out.initNames(static_cast<unsigned>(names.size()));
  unsigned i = 0;
  for (const auto& [id, text] : names) {
    list[i].setId(id);
    list[i++].setText(text);
  }
}

}  // namespace troupe::inspect
