#pragma once
// Whether the clock can be trusted by what drops records for their age.
//
// Why     a clock that is days ahead for a moment would make a node delete all that it holds. So expired records are
//         not served, and are kept until the clock is trusted.
// Doubt   the wall clock has moved against the monotonic one by more than kDateStepMax since the last look. It is
//         trusted again when it is back, otherwise once it has stood for kDateDoubted.
// Start   a run that reads rows back begins in doubt: it cannot know how long it was away. Rejected: a saved date,
//         which a wrong clock less than `hold` ahead would pass.
// Owner   one actor, which gives both times.
#include <chrono>
#include <optional>

#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr std::chrono::hours kDateStepMax{1};  // our choice: what holds for days does not mind
inline constexpr std::chrono::hours kDateDoubted{1};  // our choice: who keeps clocks right has looked several times

/// What becomes of what has expired. It is served in neither case.
enum class Expired : std::uint8_t { dropped, kept };

class ClockGuard {
 public:
  /// `first`: what the first date that it sees is good for.
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

  /// When the clock of the last look will be trusted, if it stands; nothing if it is.
  std::optional<base::Instant> trusted_at() const { return doubted_ ? std::optional(doubted_->until) : std::nullopt; }

 private:
  struct Doubted {
    base::Duration ahead;
    base::Instant until;
  };
  static bool near(base::Duration a, base::Duration b) { return std::chrono::abs(a - b) <= kDateStepMax; }

  bool doubts_first_;
  std::optional<base::Duration> trusted_;  // how far the date was ahead of the steady clock
  std::optional<Doubted> doubted_;
};

}  // namespace troupe::dht
