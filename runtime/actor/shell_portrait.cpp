// The state snapshot of an actor, between two of its messages; and the record of its end.
#include <algorithm>

#include "messages/runtime.capnp.h"
#include "runtime/actor/caller.hpp"
#include "runtime/actor/shell.hpp"
#include "runtime/base/whole_units.hpp"

namespace troupe::runtime {
namespace {

constexpr std::size_t kListed = 100;             // messages/runtime.capnp: children and asks
constexpr std::size_t kStateBytesMax = 900'000;  // the same; the rest is at most 50,000, except for timers

std::string text_of(const messages::KindInfo* kind) {
  return kind == nullptr ? std::string() : std::string(kind->name);
}

void write_recent(wire::Portrait::Builder out, const RecentMessages& recent, base::Instant now) {
  out.setKeptForMs(std::max<std::uint64_t>(base::milliseconds(now - recent.began), 1));
  const auto messages = recent.messages();
  auto list = out.initMessages(static_cast<unsigned>(messages.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const RecentMessages::Message& from = messages[i];
    list[i].setKind(text_of(from.kind));
    list[i].setFrom(from.from);
    list[i].setAgoMs(base::milliseconds(now - from.at));
    list[i].setTookUs(base::microseconds(from.took));
    list[i].setBytes(from.bytes);
    list[i].setTrace(from.trace);
  }
  const auto errors = recent.errors();
  auto broken = out.initErrors(static_cast<unsigned>(errors.size()));
  for (unsigned i = 0; i < broken.size(); ++i) {
    broken[i].setAgoMs(base::milliseconds(now - errors[i].at));
    broken[i].setCode(static_cast<std::uint16_t>(errors[i].code));
    broken[i].setText(errors[i].text.data());
  }
  out.setTimed(recent.timed());
  out.setP50Us(base::microseconds(recent.quantile(0.5)));
  out.setP90Us(base::microseconds(recent.quantile(0.9)));
  out.setP99Us(base::microseconds(recent.quantile(0.99)));
  out.setMaxUs(base::microseconds(recent.quantile(1)));
  const auto buckets = recent.histogram();
  auto rows = out.initHistogram(static_cast<unsigned>(buckets.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    rows[i].setBelowUs(base::microseconds(buckets[i].below));
    rows[i].setCount(buckets[i].count);
  }
}

}  // namespace

void Shell::portray(const Envelope& question) {
  if (!caf::message_id{current_.message_id}.is_request()) return dead_letter(DeadLetter::unsupported);
  const ReturnAddress to{current_.sender, current_.message_id, current_.trace};
  const base::Instant at = now();
  if (question.header().due <= at) return dead_letter(DeadLetter::expired);  // these pile up while an actor hangs
  Envelope::Reading<wire::Portray> reading(question);
  const bool looks = reading.root().getLooks();
  if (looks) {
    if (!recent_) recent_ = setup_.node->recent_pool().grant(self(), at, kRecentTime);
    else recent_->lapses = std::max(recent_->lapses, at + kRecentTime);
  }
  // First, because it is the domain's code, which may throw.
  std::optional<Envelope> state;
  if (looks && object_ && handlers_.describe_) {
    current_.unanswered = true;
    guarded(nullptr, [&] { state = handlers_.describe_(header()); });
    if (!current_.unanswered) return;  // it broke, and the asker got an error
    current_.unanswered = false;
  }
  answer(to, Envelope::build<wire::Portrait>(header(), [&](wire::Portrait::Builder out) {
           if (setup_.parent) out.setParentNumber(setup_.parent.id());
           if (family_) {
             out.setChildrenInAll(static_cast<std::uint32_t>(family_->children.size()));
             auto paths = out.initChildren(static_cast<unsigned>(std::min(family_->children.size(), kListed)));
             auto child = family_->children.begin();
             const std::string above = setup_.parent ? setup_.path : std::string();
             for (unsigned i = 0; i < paths.size(); ++i, ++child) paths.set(i, above + "/" + child->second.name);
           }
           std::vector<const Pending*> waiting;
           for (const Pending& one : pending_)
             if (one.id != 0) waiting.push_back(&one);
           std::ranges::stable_sort(waiting, {}, [](const Pending* one) { return one->since; });
           out.setAsksInAll(static_cast<std::uint32_t>(waiting.size()));
           auto asks = out.initAsks(static_cast<unsigned>(std::min(waiting.size(), kListed)));
           for (unsigned i = 0; i < asks.size(); ++i) {
             const auto due = deadlines_.due(waiting[i]->id);
             asks[i].setTo(waiting[i]->whom);
             asks[i].setKind(text_of(waiting[i]->kind));
             asks[i].setSinceMs(base::milliseconds(at - waiting[i]->since));
             asks[i].setDueMs(due ? static_cast<std::int64_t>(base::milliseconds(*due - at)) : -1);
             asks[i].setStream(waiting[i]->stream != nullptr);
           }
           std::vector<std::pair<std::string_view, std::int64_t>> due_timers;
           for (const Handlers::Timer& timer : handlers_.timers_) {
             if (soon_.contains(timer.tag)) due_timers.emplace_back(timer.tag->name, 0);
             else if (const auto due = deadlines_.due(kTimerBit | reinterpret_cast<std::uintptr_t>(timer.tag)))
               due_timers.emplace_back(timer.tag->name, static_cast<std::int64_t>(base::milliseconds(*due - at)));
           }
           auto timers = out.initTimers(static_cast<unsigned>(due_timers.size()));
           for (unsigned i = 0; i < timers.size(); ++i) {
             timers[i].setName(std::string(due_timers[i].first));
             timers[i].setDueMs(due_timers[i].second);
           }
           std::uint32_t starved = 0;
           for (const auto& [key, stream] : served_) starved += stream->starved_since() ? 1u : 0u;
           for (const Pending& one : pending_) starved += one.stream && one.stream->starved_since() ? 1u : 0u;
           out.setStreams(static_cast<std::uint32_t>(served_.size()));
           out.setStreamsStarved(starved);
           auto watching = out.initWatching(static_cast<unsigned>(std::min(watched_.size(), kListed)));
           for (unsigned i = 0; i < watching.size(); ++i) watching.set(i, watched_[i].id());
           const Watchers::Seen seen = setup_.node->watchers().of(id(), kListed);
           out.setWatchersInAll(static_cast<std::uint32_t>(seen.in_all));
           auto watchers = out.initWatchers(static_cast<unsigned>(seen.first.size()));
           for (unsigned i = 0; i < watchers.size(); ++i) watchers.set(i, seen.first[i]);
           out.setIncarnation(incarnation_);
           if (recent_) write_recent(out, *recent_, at);
           if (state) {
             out.setStateKind(state->kind_id());
             if (state->bytes().size() <= kStateBytesMax)
               out.setState(kj::arrayPtr(state->bytes().data(), state->bytes().size()));
           }
         }));
}

std::optional<Envelope> Shell::state() {
  if (!object_ || !handlers_.describe_) return std::nullopt;
  return handlers_.describe_({});
}

std::optional<Envelope> state_of(const Handle& actor) {
  auto* shell = dynamic_cast<Shell*>(caf::actor_cast<caf::abstract_actor*>(actor));
  return shell == nullptr ? std::nullopt : shell->state();
}

void Shell::trouble(const base::Error& error) {
  failure_ = std::make_unique<base::Error>(error);
  const base::Instant at = now();
  if (!recent_) recent_ = setup_.node->recent_pool().grant(self(), at, kTroubleRecentTime);
  if (!recent_) return;
  recent_->lapses = std::max(recent_->lapses, at + kTroubleRecentTime);
  recent_->note(error, at);
}

void Shell::drop_recent() {
  if (!recent_) return;
  if (recent_->lapses > now()) return setup_.node->recent_pool().keep(*recent_, self(), recent_->lapses);
  recent_.reset();
}

/// Closes the turn so far, for an actor whose turn may be long.
void Shell::roll_turn() {
  if (turn_ == nullptr) return;
  const base::Instant at = setup_.node->world().clock.coarse();
  record_->end_turn(at, at - turn_->began_at());
  record_->begin_turn(at);
  turn_->set_began(at);
}

void Shell::tap(const caf::actor_control_block* other, const Envelope& envelope, Tapped message) {
  Taps& taps = setup_.node->taps();
  const std::uint32_t edition = taps.edition();
  const base::Instant at = setup_.node->world().clock.coarse();
  if (edition != tap_edition_ || at - tap_asked_ >= kLookEvery) {
    tap_edition_ = edition;
    tap_asked_ = at;
    tapped_by_ = taps.wanted(setup_.path, setup_.options.kind, *record_, at);
  }
  if (tapped_by_ == 0) return;
  message.path = setup_.path;
  message.envelope = envelope;
  if (other != nullptr) message.node = node_of(*other, setup_.node->system());
  taps.put(tapped_by_, message);
}

void Shell::note_starving() {
  if (!counting_) return;
  std::optional<base::Instant> first;
  const auto look = [&](const StreamEnd& stream) {
    const auto since = stream.starved_since();
    if (since && (!first || *since < *first)) first = since;
  };
  for (const auto& [key, stream] : served_) look(*stream);
  for (const Pending& one : pending_)
    if (one.stream) look(*one.stream);
  auto since = first ? static_cast<std::uint32_t>(first->since_origin().count() / 1'000'000) : 0u;
  if (first && since == 0) --since;  // zero means that there is none
  record_->starved_ms.store(since, std::memory_order_relaxed);
}

void Shell::finish(std::string why) {
  finishing_ = true;
  // An error from the object while it is dropped explains nothing; the cause of the drop does.
  if (!why.empty() && dropping_ == nullptr) failure_ = std::make_unique<base::Error>(base::Error{{}, std::move(why)});
}

void Shell::bury() {
  Ended ended{
      .path = setup_.path, .number = id(), .kind = setup_.options.kind, .decision = decision_, .last = last_kind_};
  if (failure_) {
    ended.code = failure_->code;
    ended.why = failure_->message;
  }
  ended.handled = record_->done();
  ended.restarts = record_->restarts.load(std::memory_order_relaxed);
  ended.at = now();
  setup_.node->ended().add(std::move(ended));
}

}  // namespace troupe::runtime
