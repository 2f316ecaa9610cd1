#pragma once
// Time of one simulated node: the stage's time plus the node's own offset; wake-ups lie on the timeline.
#include <caf/actor_addr.hpp>
#include <chrono>
#include <map>

#include "runtime/ports/clock.hpp"
#include "runtime/sim/stage.hpp"

namespace troupe::sim {

/// The date at the stage's Instant 0: 2026-01-01 00:00:00 UTC.
inline constexpr base::WallTime kFirstDay{std::chrono::seconds(1'767'225'600)};

class Clock final : public ports::Clock {
 public:
  /// `offset` is what now() is ahead of the stage, so that nobody compares the instants of two nodes unnoticed.
  Clock(Stage& stage, base::Duration offset) : stage_(stage), offset_(offset) {}
  ~Clock() override;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  base::Instant now() const override { return stage_.now() + offset_; }
  base::WallTime wall() const override { return kFirstDay + stage_.now().since_origin(); }
  void wake(const runtime::Handle& sleeper, base::Instant at) override;
  void forget(const runtime::Handle& sleeper) override;

  /// How many actors wait to be woken.
  std::size_t sleepers() const { return sleepers_.size(); }

 private:
  Stage& stage_;
  base::Duration offset_;
  std::map<caf::actor_id, Stage::Appointment> sleepers_;
};

}  // namespace troupe::sim
