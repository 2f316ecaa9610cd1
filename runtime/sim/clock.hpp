#pragma once
// The clock of one simulated node: derived from the stage's time; wake-ups are events on the stage's timeline.
//
// Monotonic  `offset` ahead of the stage, and `drift_ppm` millionths faster. Never steps.
// Date       runs with the monotonic time; step() moves only the date, as an operator or a time server does.
// Handlers   take no time, except the time that spent() reports for a running handler: only that handler sees the clock
//            run ahead of the stage.
#include <caf/actor_addr.hpp>
#include <chrono>
#include <functional>
#include <map>

#include "runtime/ports/clock.hpp"
#include "runtime/sim/stage.hpp"

namespace troupe::sim {

/// The date at the stage's Instant 0: 2026-01-01 00:00:00 UTC.
inline constexpr base::WallTime kFirstDay{std::chrono::seconds(1'767'225'600)};

inline constexpr std::int32_t kDriftPpmMax = 100'000;  // our choice: a tenth, far worse than any crystal

class Clock final : public ports::Clock {
 public:
  /// `offset` is how far now() is ahead of the stage at its Instant 0, so that instants of two nodes cannot be
  /// confused. `drift_ppm` is at most kDriftPpmMax, fast or slow.
  Clock(Stage& stage, base::Duration offset, std::int32_t drift_ppm = 0);
  ~Clock() override;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  base::Instant now() const override { return base::Instant(offset_ + elapsed()); }
  base::WallTime wall() const override { return kFirstDay + stepped_ + elapsed(); }

  /// Moves the date by that much, forward or back.
  void step(base::Duration by) { stepped_ += by; }

  /// Sets a function that each reading of the clock calls: it returns the time that the current handler has spent; zero
  /// between handlers.
  void spent(std::function<base::Duration()> by_handler) { spent_ = std::move(by_handler); }

  void wake(const runtime::Handle& sleeper, base::Instant at) override;
  void forget(const runtime::Handle& sleeper) override;

  /// Returns the stage's time until now() is `due`; negative if `due` has passed.
  base::Duration until(base::Instant due) const { return stage_time(due) - stage_.now(); }

  /// Returns how many actors wait to be woken.
  std::size_t sleepers() const { return sleepers_.size(); }

 private:
  base::Duration elapsed() const;
  base::Instant stage_time(base::Instant own) const;

  Stage& stage_;
  base::Duration offset_;
  std::int64_t drift_ppm_;
  base::Duration stepped_{0};
  std::function<base::Duration()> spent_;
  std::map<caf::actor_id, Stage::Appointment> sleepers_;
};

}  // namespace troupe::sim
