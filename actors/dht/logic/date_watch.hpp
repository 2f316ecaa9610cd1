#pragma once
// Whether the date may be believed by what drops things for their age.
//
// Why     a clock that is days ahead for a moment would make a node delete all that it holds, and the date that comes
//         back does not bring it back. So what has expired is not served, and is kept until the date is believed.
// Doubt   a date that has moved against the clock that never steps, by more than kDateStepMax since the last look. It
//         is believed again at once when it is back, else once it has stood for kDateDoubted. A machine that slept, or
//         whose date was set right, waits as long: meanwhile what has expired has its room, and where all is full
//         newcomers are refused for it.
// Start   a run that reads back what another has left begins in doubt: it cannot know how long it was away. Rejected: a
//         date that the last run has saved. A wrong clock less than `hold` ahead passes it, and most of what is held
//         would be gone; and whoever comes back after a week would have to wait just the same.
// Time    both given by the caller.
// Owner   one actor.
#include <chrono>
#include <optional>

#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr std::chrono::hours kDateStepMax{1};  // our choice: what holds for days does not mind
inline constexpr std::chrono::hours kDateDoubted{1};  // our choice: who keeps clocks right has looked several times

/// What becomes of what has expired. It is served in neither case.
enum class Expired : std::uint8_t { dropped, kept };

class DateWatch {
 public:
  /// `first`: what the first date that it sees is good for.
  explicit DateWatch(Expired first) : doubts_first_(first == Expired::kept) {}

  Expired look(base::Instant now, base::WallTime wall) {
    const base::Duration ahead = wall.since_origin() - now.since_origin();
    if (!believed_ && !doubted_ && !doubts_first_) believed_ = ahead;
    const bool steady = believed_ && near(ahead, *believed_);
    if (!steady && (!doubted_ || !near(ahead, doubted_->ahead))) doubted_ = Doubted{ahead, now + kDateDoubted};
    if (!steady && now < doubted_->until) return Expired::kept;
    believed_ = ahead;
    doubted_.reset();
    return Expired::dropped;
  }

  /// When the date of the last look is believed, if it stands; nothing if it was.
  std::optional<base::Instant> believed_at() const { return doubted_ ? std::optional(doubted_->until) : std::nullopt; }

 private:
  struct Doubted {
    base::Duration ahead;
    base::Instant until;
  };
  static bool near(base::Duration a, base::Duration b) { return std::chrono::abs(a - b) <= kDateStepMax; }

  bool doubts_first_;
  std::optional<base::Duration> believed_;  // how far the date was ahead of the steady clock
  std::optional<Doubted> doubted_;
};

}  // namespace troupe::dht
