#pragma once
// Decides whether the clock can be trusted for dropping expired records.
//
// Why     a clock that is briefly days ahead would make a node delete all records. So expired records are not served,
//         but kept until the clock is trusted.
// Doubt   begins if the wall clock has moved against the monotonic clock by more than kDateStepMax since the last
//         check. The wall clock is trusted again once it has moved back, or has been steady for kDateDoubted.
// Start   a run that reads rows back starts without trust, because it cannot know how long the node was down. A saved
//         date would not help: a wrong clock that is less than `hold` ahead would be trusted.
// Owner   one actor, which passes both times.
#include <chrono>
#include <optional>

#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr std::chrono::hours kDateStepMax{1};  // our choice: records kept for days tolerate it
inline constexpr std::chrono::hours kDateDoubted{1};  // our choice: a time service has synchronized several times by
                                                      // then

/// What happens to expired records. They are never served.
enum class Expired : std::uint8_t { dropped, kept };

class ClockGuard {
 public:
  /// `first`: how to treat expired records at the first check.
  explicit ClockGuard(Expired first) : doubts_first_(first == Expired::kept) {}

  Expired look(base::Instant now, base::WallTime wall) {
    const base::Duration ahead = wall.since_origin() - now.since_origin();
    if (!trusted_ && !doubted_ && !doubts_first_) trusted_ = ahead;
    const bool steady = trusted_ && near(ahead, *trusted_);
    if (!steady && (!doubted_ || !near(ahead, doubted_->ahead))) doubted_ = Doubted{ahead, now + kDateDoubted};
    if (!steady && now < doubted_->until) return Expired::kept;
    trusted_ = ahead;
    doubted_.reset();
    return Expired::dropped;
  }

  /// Returns when the clock will be trusted if it stays steady, or nullopt if it is trusted.
  std::optional<base::Instant> trusted_at() const { return doubted_ ? std::optional(doubted_->until) : std::nullopt; }

 private:
  struct Doubted {
    base::Duration ahead;
    base::Instant until;
  };
  static bool near(base::Duration a, base::Duration b) { return std::chrono::abs(a - b) <= kDateStepMax; }

  bool doubts_first_;
  std::optional<base::Duration> trusted_;  // how far the wall clock was ahead of the monotonic clock
  std::optional<Doubted> doubted_;
};

}  // namespace troupe::dht
