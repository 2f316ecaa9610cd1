#include "runtime/sim/clock.hpp"

#include <caf/actor_cast.hpp>

#include "runtime/base/ensure.hpp"
#include "runtime/ports/events.hpp"

namespace troupe::sim {
namespace {

constexpr std::int64_t kMillion = 1'000'000;

/// Returns what a clock that is `ppm` millionths fast adds to `span` of the stage's time. Computed in two parts,
/// seconds and the rest, so that a run may last for centuries.
base::Duration gain(base::Duration span, std::int64_t ppm) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t seconds = span.count() / kSecond, rest = span.count() % kSecond;
  return base::Duration(seconds * ppm * (kSecond / kMillion) + rest * ppm / kMillion);
}

}  // namespace

Clock::Clock(Stage& stage, base::Duration offset, std::int32_t drift_ppm)
    : stage_(stage), offset_(offset), drift_ppm_(drift_ppm) {
  base::ensure(drift_ppm >= -kDriftPpmMax && drift_ppm <= kDriftPpmMax, "a clock runs roughly with time");
}

base::Duration Clock::elapsed() const {
  const base::Duration span = stage_.now().since_origin() + (spent_ ? spent_() : base::Duration::zero());
  return span + gain(span, drift_ppm_);
}

/// Returns the first moment of the stage at which now() is `own` or later.
base::Instant Clock::stage_time(base::Instant own) const {
  const base::Duration wanted = own.since_origin() - offset_;
  const auto shown = [this](base::Duration span) { return span + gain(span, drift_ppm_); };
  // Subtracting the gain of the shown time is wrong by the gain of the gain; each round leaves at most a tenth of it.
  base::Duration span = wanted;
  for (int round = 0; round < 64 && shown(span) != wanted; ++round) {
    const base::Duration missing = wanted - shown(span);
    span += missing;
    if (missing == base::Duration(1) || missing == base::Duration(-1)) break;
  }
  while (shown(span) < wanted) ++span;
  while (span > base::Duration::zero() && shown(span - base::Duration(1)) >= wanted) --span;
  return base::Instant(span);
}

Clock::~Clock() {
  for (const auto& [sleeper, appointment] : sleepers_) stage_.cancel(appointment);
}

void Clock::wake(const runtime::Handle& sleeper, base::Instant at) {
  if (!sleeper) return;
  forget(sleeper);
  if (at == base::Instant::max()) return;
  // A weak reference, so that a wake-up keeps no actor alive.
  const auto ring = [this, id = sleeper.id(), whom = sleeper.address()] {
    sleepers_.erase(id);
    ports::deliver_wake_up(caf::actor_cast<caf::strong_actor_ptr>(whom));
  };
  sleepers_[sleeper.id()] = stage_.at(stage_time(at), ring);
}

void Clock::forget(const runtime::Handle& sleeper) {
  if (!sleeper) return;
  const auto known = sleepers_.find(sleeper.id());
  if (known == sleepers_.end()) return;
  stage_.cancel(known->second);
  sleepers_.erase(known);
}

}  // namespace troupe::sim
