#include "runtime/sim/clock.hpp"

#include <caf/actor_cast.hpp>

#include "runtime/ports/events.hpp"

namespace troupe::sim {

Clock::~Clock() {
  for (const auto& [sleeper, appointment] : sleepers_) stage_.cancel(appointment);
}

void Clock::wake(const runtime::Handle& sleeper, base::Instant at) {
  if (!sleeper) return;
  forget(sleeper);
  if (at == base::Instant::max()) return;
  // Held weakly, so that a wake-up keeps no actor alive.
  const auto ring = [this, id = sleeper.id(), whom = sleeper.address()] {
    sleepers_.erase(id);
    ports::deliver_wake_up(caf::actor_cast<caf::strong_actor_ptr>(whom));
  };
  sleepers_[sleeper.id()] = stage_.at(at - offset_, ring);
}

void Clock::forget(const runtime::Handle& sleeper) {
  if (!sleeper) return;
  const auto known = sleepers_.find(sleeper.id());
  if (known == sleepers_.end()) return;
  stage_.cancel(known->second);
  sleepers_.erase(known);
}

}  // namespace troupe::sim
