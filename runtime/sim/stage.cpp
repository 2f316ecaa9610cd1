#include "runtime/sim/stage.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <caf/atom.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <cstring>
#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::sim {

namespace {

constexpr std::uint64_t kFnvPrime = 0x100000001b3;
constexpr std::size_t kLanes = 4;
constexpr std::size_t kStaleMin = 64;                // our choice: a shorter timeline is not worth a sweep
constexpr std::uint64_t kGoodbyeStepsMax = 100'000;  // our choice: steps of actors while a stage ends

std::uint64_t seed_of(std::uint64_t seed, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325 ^ seed;
  for (const char letter : name) hash = (hash ^ static_cast<std::uint8_t>(letter)) * kFnvPrime;
  return hash;
}

/// A round of XXH64: each bit of the word reaches all of the hash within two rounds, and no single word is lost.
std::uint64_t absorb(std::uint64_t hash, std::uint64_t word) {
  return std::rotl(hash + word * 0xc2b2ae3d27d4eb4f, 31) * 0x9e3779b185ebca87;
}

/// Returns the `i`-th word of the rest.
std::uint64_t word_at(base::ByteView bytes, std::size_t i) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + i * sizeof word, sizeof word);
  return word;
}

ActorNumber number_of(caf::resumable& job) {
  return job.subtype() == caf::resumable::scheduled_actor ? static_cast<caf::scheduled_actor&>(job).id() : 0;
}

caf::scheduler::test_coordinator& testing_scheduler(caf::actor_system& system) {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
}

}  // namespace

Stage::Stage(std::uint64_t seed, Policy policy) : seed_(seed), schedule_(policy, stream("schedule")) {
  config_.set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(config_);
  // Otherwise an actor that was not stopped would keep the destructor waiting forever.
  system_->await_actors_before_shutdown(false);
  scheduler_ = &testing_scheduler(*system_);
}

Stage::~Stage() {
  ending_ = true;
  // Destroying the function of an event may cancel other events.
  timeline_.clear();
  std::exchange(appointments_, {}).clear();
  while (!parked_.empty()) unpark(parked_.begin()->first);
  while (const auto waiting = schedule_.take()) scheduler_->jobs.push_back(waiting->ready.job);
  for (std::uint64_t steps = 0; !scheduler_->jobs.empty() && steps < kGoodbyeStepsMax; ++steps) {
    scheduler_->try_run_once();
  }
  // Actors that keep each other busy forever are ended in their present state.
  while (!scheduler_->jobs.empty()) {
    caf::resumable* job = scheduler_->jobs.front();
    scheduler_->jobs.pop_front();
    caf::scheduler::abstract_coordinator::cleanup_and_release(job);
  }
  system_.reset();
  while (!kept_.empty()) kept_.pop_back();  // the newest first: it may use older ones
}

Stage::Appointment Stage::at(base::Instant when, What what) {
  Appointment made{++appointments_made_, 0};
  if (ending_) return made;
  if (free_places_.empty()) {
    made.place = static_cast<std::uint32_t>(appointments_.size());
    appointments_.emplace_back();
  } else {
    made.place = free_places_.back();
    free_places_.pop_back();
  }
  appointments_[made.place] = {made.number, std::move(what)};
  timeline_.push_back({std::max(when, now_), made.number, made.place});
  std::push_heap(timeline_.begin(), timeline_.end(), later);
  return made;
}

void Stage::cancel(const Appointment& appointment) {
  if (appointment.place >= appointments_.size()) return;
  Kept& kept = appointments_[appointment.place];
  if (kept.number != appointment.number || kept.number == 0) return;
  kept.number = 0;
  free_places_.push_back(appointment.place);
  ++stale_;
  if (stale_ > kStaleMin && stale_ > timeline_.size() / 2) forget_stale();
  const What gone = std::move(appointments_[appointment.place].what);  // last, because its destructor may cancel others
}

/// If half of the timeline is stale, removes the stale entries at once.
void Stage::forget_stale() {
  std::erase_if(timeline_, [this](const Due& due) { return appointments_[due.place].number != due.number; });
  std::make_heap(timeline_.begin(), timeline_.end(), later);
  stale_ = 0;
}

/// Returns the first entry on the timeline; null if there is none.
const Stage::Due* Stage::next_due() {
  while (!timeline_.empty()) {
    const Due& first = timeline_.front();
    if (appointments_[first.place].number == first.number) return &first;
    std::pop_heap(timeline_.begin(), timeline_.end(), later);
    timeline_.pop_back();
    --stale_;
  }
  return nullptr;
}

/// Removes and returns the first entry of the timeline.
Stage::What Stage::take_next() {
  std::pop_heap(timeline_.begin(), timeline_.end(), later);
  const std::uint32_t place = timeline_.back().place;
  timeline_.pop_back();
  appointments_[place].number = 0;
  free_places_.push_back(place);
  return std::move(appointments_[place].what);
}

void Stage::settle() {
  while (!stopped() && step()) continue;
}

/// Called before an event has any effect: an exception here leaves all unchanged.
void Stage::happens() {
  if (moment_events_ >= moment_events_max_) throw Restless("actors come to rest without time passing");
  ++moment_events_;
  ++events_;
}

void Stage::pass_to(base::Instant when) {
  if (when > now_) moment_events_ = 0;
  now_ = when;
}

void Stage::run_for(base::Duration span) { pass_until(nullptr, now_ + span); }

bool Stage::run_until(const std::function<bool()>& done, base::Duration limit) {
  return pass_until(&done, now_ + limit);
}

base::Random Stage::once(std::string_view name) const { return base::Random(seed_of(seed_, name)); }

base::Random& Stage::stream(std::string_view name) {
  const auto known = streams_.find(name);
  if (known != streams_.end()) return *known->second;
  return *streams_.emplace(name, std::make_unique<base::Random>(once(name))).first->second;
}

bool Stage::pass_until(const std::function<bool()>* done, base::Instant end) {
  while (true) {
    settle();
    if (stopped()) return false;
    if (done != nullptr && (*done)()) return true;
    const Due* const next = next_due();
    if (next == nullptr || next->when > end) break;
    pass_to(next->when);
    keep_due();
  }
  pass_to(end);
  return false;
}

/// Runs every event that is due now and was scheduled before this call; later events wait for the actors.
void Stage::keep_due() {
  const std::uint64_t made = appointments_made_;
  for (const Due* due = next_due(); due != nullptr && due->when <= now_ && due->number <= made; due = next_due()) {
    if (stopped()) return;
    happens();
    if (recorder_ != nullptr) recorder_->event(events_, 0, 0);
    mix(due->number);
    What what = take_next();
    what();
  }
}

void Stage::park(ActorNumber actor) { parked_.emplace(actor, nullptr); }

void Stage::unpark(ActorNumber actor) {
  const auto found = parked_.find(actor);
  if (found == parked_.end()) return;
  if (found->second != nullptr) scheduler_->jobs.push_back(found->second);
  parked_.erase(found);
}

/// Moves new ready actors from the scheduler to the schedule. The actor that ran last goes after all others; the
/// scheduler puts it in front while it has messages. No actor may keep the others waiting.
void Stage::take_over(caf::resumable* last) {
  auto& jobs = scheduler_->jobs;
  const bool again = !jobs.empty() && jobs.front() == last;
  if (again) jobs.pop_front();
  for (; !jobs.empty(); jobs.pop_front()) schedule_.add({number_of(*jobs.front()), jobs.front()});
  if (again) schedule_.add({number_of(*last), last});
}

/// Returns which actor runs next; nullopt if no ready actor may run.
std::optional<Schedule::Pick> Stage::next_ready() {
  while (const auto picked = schedule_.take()) {
    const auto& [actor, job] = picked->ready;
    if (const auto parked = parked_.empty() ? parked_.end() : parked_.find(actor); parked != parked_.end()) {
      parked->second = job;
      continue;
    }
    return picked;
  }
  return std::nullopt;
}

/// Lets one ready actor handle one message. Returns false if none is ready.
bool Stage::step() {
  take_over(nullptr);
  const auto next = next_ready();
  if (!next) return false;
  scheduler_->jobs.push_back(next->ready.job);
  happens();
  if (recorder_ != nullptr) recorder_->event(events_, next->ready.actor, next->place);
  mix(next->ready.actor);
  scheduler_->try_run_once();
  take_over(next->ready.job);
  return true;
}

void Stage::note(base::ByteView bytes) {
  mix(bytes.size());
  if (bytes.size() >= kLanes * sizeof(std::uint64_t)) {
    // A word waits only for the previous word of its lane, so that long pieces cost little.
    std::array<std::uint64_t, kLanes> lanes{hash_, 1, 2, 3};
    for (; bytes.size() >= kLanes * sizeof(std::uint64_t); bytes = bytes.subspan(kLanes * sizeof(std::uint64_t)))
      for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = absorb(lanes[i], word_at(bytes, i));
    for (const std::uint64_t lane : lanes) hash_ = absorb(hash_, lane);
  }
  for (; bytes.size() >= sizeof(std::uint64_t); bytes = bytes.subspan(sizeof(std::uint64_t)))
    hash_ = absorb(hash_, word_at(bytes, 0));
  for (const std::uint8_t byte : bytes) hash_ = absorb(hash_, byte);
}

void Stage::mix(std::uint64_t word) {
  hash_ = absorb(hash_, word);
  hash_ = absorb(hash_, static_cast<std::uint64_t>(now_.since_origin().count()));
}

}  // namespace troupe::sim
