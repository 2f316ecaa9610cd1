#include "runtime/os/clock.hpp"

#include <time.h>

#include <caf/actor_cast.hpp>
#include <chrono>

#include "runtime/ports/events.hpp"

namespace troupe::os {

Clock::Clock() : thread_([this] { run(); }) {}

Clock::~Clock() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

base::Instant Clock::now() const {
  return base::Instant(std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

base::Instant Clock::coarse() const {
  timespec at{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &at);  // the clock of now(), read at the kernel's last tick
  return base::Instant(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec));
}

base::WallTime Clock::wall() const {
  return base::WallTime(
      std::chrono::duration_cast<base::Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

void Clock::wake(const runtime::Handle& sleeper, base::Instant at) {
  if (!sleeper) return;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    const auto [entry, fresh] = due_.try_emplace(sleeper.id(), at);
    if (!fresh) {
      order_.erase({entry->second, sleeper.id()});
      entry->second = at;
    }
    const auto place = order_.emplace(Wake{at, sleeper.id()}, caf::actor_cast<caf::weak_actor_ptr>(sleeper)).first;
    first = place == order_.begin();
  }
  if (first) changed_.notify_one();  // otherwise the thread wakes early enough
}

void Clock::forget(const runtime::Handle& sleeper) {
  if (!sleeper) return;
  const std::lock_guard lock(mutex_);
  const auto entry = due_.find(sleeper.id());
  if (entry == due_.end()) return;
  order_.erase({entry->second, sleeper.id()});
  due_.erase(entry);
}

std::size_t Clock::sleepers() const {
  const std::lock_guard lock(mutex_);
  return due_.size();
}

void Clock::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (order_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const base::Instant due = order_.begin()->first.first;
    if (due > now()) {
      // The library adds the origin to a relative time-out, which "forever" would overflow.
      const base::Duration rest = std::min<base::Duration>(due - now(), std::chrono::hours(1));
      changed_.wait_for(lock, rest);
      continue;
    }
    const caf::weak_actor_ptr sleeper = std::move(order_.begin()->second);
    due_.erase(order_.begin()->first.second);
    order_.erase(order_.begin());
    lock.unlock();
    ports::deliver_wake_up(caf::actor_cast<caf::strong_actor_ptr>(sleeper));
    lock.lock();
  }
}

}  // namespace troupe::os
