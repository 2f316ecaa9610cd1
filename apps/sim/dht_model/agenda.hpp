#pragma once
// The future events of a model, in virtual time. Events at the same time happen in the order in which they were added.
#include <algorithm>
#include <functional>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::dht::model {

class Agenda {
 public:
  base::Instant now() const { return now_; }
  /// Returns the date in the form that records use.
  base::WallTime wall() const { return base::WallTime(std::chrono::seconds{1'700'000'000} + now_.since_origin()); }

  void at(base::Instant when, std::function<void()> what) {
    events_.push_back({std::max(when, now_), ++turns_, std::move(what)});
    std::ranges::push_heap(events_, later);
  }
  void after(base::Duration span, std::function<void()> what) { at(now_ + span, std::move(what)); }

  void run_until(base::Instant end) {
    while (!events_.empty() && events_.front().when <= end) {
      std::ranges::pop_heap(events_, later);
      Event event = std::move(events_.back());
      events_.pop_back();
      now_ = event.when;
      event.what();
    }
    now_ = std::max(now_, end);
  }

 private:
  struct Event {
    base::Instant when;
    std::uint64_t turn;
    std::function<void()> what;
  };
  static bool later(const Event& a, const Event& b) { return a.when != b.when ? a.when > b.when : a.turn > b.turn; }

  std::vector<Event> events_;  // kept as a heap
  std::uint64_t turns_ = 0;
  base::Instant now_{std::chrono::hours(1)};
};

}  // namespace troupe::dht::model
