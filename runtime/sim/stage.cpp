#include "runtime/sim/stage.hpp"

#include <algorithm>
#include <caf/atom.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <cstring>

#include "runtime/base/ensure.hpp"

namespace troupe::sim {

namespace {

constexpr std::uint64_t kFnvPrime = 0x100000001b3;
constexpr std::uint64_t kGoodbyeStepsMax = 100'000;  // our choice: what actors may still do while a stage ends

std::uint64_t seed_of(std::uint64_t seed, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325 ^ seed;
  for (const char letter : name) hash = (hash ^ static_cast<std::uint8_t>(letter)) * kFnvPrime;
  return hash;
}

caf::scheduler::test_coordinator& testing_scheduler(caf::actor_system& system) {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
}

}  // namespace

Stage::Stage(std::uint64_t seed, Policy policy) : seed_(seed), schedule_(policy, stream("schedule")) {
  config_.set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(config_);
  // An actor that nobody stopped would otherwise keep the destructor waiting for ever.
  system_->await_actors_before_shutdown(false);
  scheduler_ = &testing_scheduler(*system_);
  number_at_ = [jobs = &scheduler_->jobs](std::size_t place) -> ActorNumber {
    caf::resumable* job = (*jobs)[place];
    return job->subtype() == caf::resumable::scheduled_actor ? static_cast<caf::scheduled_actor*>(job)->id() : 0;
  };
}

Stage::~Stage() {
  ending_ = true;
  // What an appointment holds may cancel others when it is let go.
  std::map<Appointment, std::function<void()>> forgotten;
  forgotten.swap(timeline_);
  forgotten.clear();
  while (!parked_.empty()) unpark(parked_.begin()->first);
  for (std::uint64_t steps = 0; !scheduler_->jobs.empty() && steps < kGoodbyeStepsMax; ++steps) {
    scheduler_->try_run_once();
  }
  // Actors that keep each other busy for ever are ended where they stand.
  while (!scheduler_->jobs.empty()) {
    caf::resumable* job = scheduler_->jobs.front();
    scheduler_->jobs.pop_front();
    caf::scheduler::abstract_coordinator::cleanup_and_release(job);
  }
  system_.reset();
  while (!kept_.empty()) kept_.pop_back();  // the newest first: it may use older ones
}

Stage::Appointment Stage::at(base::Instant when, std::function<void()> what) {
  const Appointment appointment{std::max(when, now_), ++appointments_made_};
  if (!ending_) timeline_.emplace(appointment, std::move(what));
  return appointment;
}

void Stage::cancel(const Appointment& appointment) { timeline_.erase(appointment); }

void Stage::settle() {
  std::uint64_t steps = 0;
  while (!stopped() && step()) base::ensure(++steps <= kStepsMax, "actors come to rest without time passing");
}

void Stage::run_for(base::Duration span) { pass_until(nullptr, now_ + span); }

bool Stage::run_until(const std::function<bool()>& done, base::Duration limit) {
  return pass_until(&done, now_ + limit);
}

base::Random& Stage::stream(std::string_view name) {
  const auto known = streams_.find(name);
  if (known != streams_.end()) return *known->second;
  return *streams_.emplace(name, std::make_unique<base::Random>(seed_of(seed_, name))).first->second;
}

bool Stage::pass_until(const std::function<bool()>* done, base::Instant end) {
  while (true) {
    settle();
    if (stopped()) return false;
    if (done != nullptr && (*done)()) return true;
    if (timeline_.empty() || timeline_.begin()->first.first > end) break;
    now_ = timeline_.begin()->first.first;
    keep_due();
  }
  now_ = end;
  return false;
}

/// Keeps every appointment that is due at this moment and was made before it; later ones wait for the actors.
void Stage::keep_due() {
  const std::uint64_t made = appointments_made_;
  while (!stopped() && !timeline_.empty() && timeline_.begin()->first <= Appointment{now_, made}) {
    const std::function<void()> what = std::move(timeline_.begin()->second);
    mix(timeline_.begin()->first.second);
    timeline_.erase(timeline_.begin());
    ++events_;
    if (recorder_ != nullptr) recorder_->event(events_, 0, 0);
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

/// Puts the actor that runs next in front of the scheduler's jobs; nothing if none is ready.
std::optional<ActorNumber> Stage::bring_next_to_front() {
  auto& jobs = scheduler_->jobs;
  while (!jobs.empty()) {
    const std::size_t place = schedule_.pick(jobs.size(), number_at_);
    const ActorNumber actor = number_at_(place);
    if (const auto parked = parked_.find(actor); parked != parked_.end()) {
      parked->second = jobs[place];
      jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(place));
      continue;
    }
    std::swap(jobs.front(), jobs[place]);
    if (recorder_ != nullptr) recorder_->event(events_ + 1, actor, place);
    return actor;
  }
  return std::nullopt;
}

/// Lets one ready actor handle one message; false if none is ready.
bool Stage::step() {
  const auto actor = bring_next_to_front();
  if (!actor) return false;
  mix(*actor);
  ++events_;
  auto& jobs = scheduler_->jobs;
  caf::resumable* job = jobs.front();
  scheduler_->try_run_once();
  // The scheduler puts an actor with more messages in front again; nobody may keep the others waiting.
  if (schedule_.policy() == Policy::fifo && jobs.size() > 1 && jobs.front() == job) {
    jobs.pop_front();
    jobs.push_back(job);
  }
  return true;
}

void Stage::note(base::ByteView bytes) {
  mix(bytes.size());
  for (; bytes.size() >= sizeof(std::uint64_t); bytes = bytes.subspan(sizeof(std::uint64_t))) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    hash_ = (hash_ ^ word) * kFnvPrime;
  }
  for (const std::uint8_t byte : bytes) hash_ = (hash_ ^ byte) * kFnvPrime;
}

void Stage::mix(std::uint64_t word) {
  hash_ = (hash_ ^ word) * kFnvPrime;
  hash_ = (hash_ ^ static_cast<std::uint64_t>(now_.since_origin().count())) * kFnvPrime;
}

}  // namespace troupe::sim
