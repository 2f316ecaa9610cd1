#pragma once
// Time that passes while a handler runs, for tests in virtual time, where it else stands still.
#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <map>
#include <utility>

#include "runtime/ports/hardware.hpp"
#include "runtime/ports/network.hpp"
#include "runtime/ports/processes.hpp"
#include "runtime/ports/world.hpp"
#include "runtime/sim/stage.hpp"

namespace troupe::test {

/// A clock that goes on while a handler runs: by `each` at each look, and when a test spends time.
class TickingClock final : public ports::Clock {
 public:
  explicit TickingClock(ports::Clock& below) : below_(below) {}

  base::Instant now() const override {
    ahead_ += each;
    return coarse();
  }
  base::Instant coarse() const override { return below_.now() + ahead_; }
  base::WallTime wall() const override { return below_.wall() + ahead_; }
  void wake(const runtime::Handle& sleeper, base::Instant at) override {
    sleepers_[sleeper.id()] = {sleeper.address(), at};
    below_.wake(sleeper, at == base::Instant::max() ? at : at - ahead_);
  }
  void forget(const runtime::Handle& sleeper) override {
    sleepers_.erase(sleeper.id());
    below_.forget(sleeper);
  }

  /// A handler takes that long.
  void spend(base::Duration length) {
    ahead_ += length;
    for (const auto& [id, one] : sleepers_)
      if (const auto whom = caf::actor_cast<runtime::Handle>(one.first))
        if (one.second > below_.now() + ahead_ - length) below_.wake(whom, one.second - ahead_);
  }
  base::Duration each{0};

 private:
  ports::Clock& below_;
  mutable base::Duration ahead_{0};
  std::map<caf::actor_id, std::pair<caf::actor_addr, base::Instant>> sleepers_;
};

inline ports::World with_ticking_clock(sim::Stage& stage, const ports::World& world) {
  return {stage.keep<TickingClock>(world.clock),
          world.chance,
          world.disk,
          world.network,
          world.threads,
          world.mutations,
          world.hardware,
          world.processes};
}

}  // namespace troupe::test
