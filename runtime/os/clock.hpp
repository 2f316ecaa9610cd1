#pragma once
// The Clock port on Linux: steady_clock, system_clock, and one thread that sends wake-ups.
//
// Why a thread  CAF's own clock has strong references to actors, sends wake-ups as messages that actors must interpret,
//               and must search to replace an entry. Here an actor has one entry, with a weak reference.
// Order         wake() and forget() of one actor take effect in the order of the calls.
#include <caf/actor_control_block.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "runtime/ports/clock.hpp"

namespace troupe::os {

class Clock final : public ports::Clock {
 public:
  Clock();
  ~Clock() override;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  base::Instant now() const override;
  base::Instant coarse() const override;
  base::WallTime wall() const override;
  void wake(const runtime::Handle& sleeper, base::Instant at) override;
  void forget(const runtime::Handle& sleeper) override;

  /// Returns how many actors wait to be woken.
  std::size_t sleepers() const;

 private:
  using Wake = std::pair<base::Instant, caf::actor_id>;

  void run();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Wake, caf::weak_actor_ptr> order_;
  std::unordered_map<caf::actor_id, base::Instant> due_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace troupe::os
