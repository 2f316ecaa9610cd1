// Actions of operators on actors: each is refused or done, and recorded.
#include "actors/inspect/inspect_actor.hpp"
#include "actors/inspect/logic/acts.hpp"
#include "messages/codec.hpp"

namespace troupe::inspect {
namespace {

using base::Code;
using base::Error;

}  // namespace

void InspectActor::note(const std::string& who, const char* act, const std::string& path, const std::string& outcome) {
  tell<node::wire::Note>(node().find(node::kNotesPath),
                         [&](node::wire::Note::Builder out) { node::fill(out, who, act, path, outcome); });
}

/// Returns the actor, or null with a reason if it does not exist or must not be touched.
runtime::Handle InspectActor::target(const std::string& path, Act act, Error& why) {
  const auto one = node().registry().listing(path);
  if (!one) {
    why = {Code::not_found, nobody_at(path)};
    return {};
  }
  if (const auto reason = refused(act, path, one->kind)) {
    why = {Code::refused, *reason};
    return {};
  }
  const auto activity = one->record->activity.load(std::memory_order_acquire);
  if (activity == runtime::Activity::stopping) {
    why = {Code::conflict, "the actor is ending"};
    return {};
  }
  if (activity == runtime::Activity::waiting && act != Act::kill) {
    why = {Code::conflict, "the actor failed and waits for its restart: there is nothing to " +
                               std::string(act == Act::pause ? "pause" : "restart")};
    return {};
  }
  return one->handle;
}

void InspectActor::act_on(wire::ActOn::Reader order, runtime::Reply<messages::wire::Nothing> reply) {
  const std::string path = text_of(order.getPath());
  const bool kill = order.getAct() == wire::ActOn::Act::KILL;
  if (!kill && order.getAct() != wire::ActOn::Act::RESTART)
    return reply.refuse({Code::malformed, "invalid action: expected restart or kill"});
  const char* name = kill ? "kill" : "restart";
  Error why{};
  const runtime::Handle actor = target(path, kill ? Act::kill : Act::restart, why);
  note(name, path, actor ? "done" : why.message);
  if (!actor) return reply.refuse(why);
  if (kill) tell<runtime::wire::Stop>(actor, [](runtime::wire::Stop::Builder out) { out.setKilled(true); });
  else tell<runtime::wire::Restart>(actor, [](runtime::wire::Restart::Builder) {});
  reply.done();
}

void InspectActor::pause(wire::PauseActor::Reader order, runtime::Sink<wire::PauseItem> sink) {
  const std::string path = text_of(order.getPath());
  Error why{};
  const runtime::Handle actor = target(path, Act::pause, why);
  if (actor && paused_.size() >= kPausedMax) why = {Code::overloaded, "too many paused actors (limit 16)"};
  else if (std::ranges::any_of(paused_, [&](const Paused& one) { return one.actor == actor; }))
    why = {Code::conflict, "the actor is paused already"};
  note("pause", path, why.message.empty() ? "done" : why.message);
  if (!why.message.empty()) return sink.fail(why);
  tell<runtime::wire::Hold>(actor, [](runtime::wire::Hold::Builder out) {
    out.setMilliseconds(static_cast<std::uint32_t>(std::chrono::milliseconds(kPauseMax).count()));
  });
  paused_.push_back({caller().who(), path, actor, std::move(sink), now(), now() + kPauseMax, now()});
  Paused& kept = paused_.back();
  kept.sink.on_cancel([this, &kept] {
    kept.cancelled = true;
    after<PauseDue>(base::Duration::zero());
  });
  look_after_pauses();
}

/// Ends pauses whose operator has gone or whose time is over, and reports to the other operators that theirs last.
void InspectActor::look_after_pauses() {
  const base::Instant at = now();
  for (auto one = paused_.begin(); one != paused_.end();) {
    // A restart or the end of the actor also ends a pause.
    const auto listed = node().registry().listing(one->path);
    const bool still = listed && listed->record->activity.load(std::memory_order_acquire) == runtime::Activity::paused;
    const bool over = one->cancelled || at >= one->until || (!still && at >= one->began + kPauseBegun);
    if (over) {
      tell<runtime::wire::Unhold>(one->actor, [](runtime::wire::Unhold::Builder) {});
      note(one->cancelled ? one->who : "node", "resume", one->path,
           one->cancelled     ? "done"
           : at >= one->until ? "ended ten minutes after the pause by " + one->who
                              : "the actor was restarted or has ended");
      if (!one->cancelled) one->sink.end();
      one = paused_.erase(one);
      continue;
    }
    if (at >= one->say_at && one->sink.ready()) {
      one->say_at = at + kPauseSaid;
      one->sink.push([&](wire::PauseItem::Builder out) {
        out.setLeftMs(
            static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(one->until - at).count()));
      });
    }
    ++one;
  }
  if (!paused_.empty()) after<PauseDue>(std::chrono::seconds(1));
}

}  // namespace troupe::inspect
