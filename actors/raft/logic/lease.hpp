#pragma once
// Until when a leader may answer reads without asking a quorum, and whether the clocks allow it.
//
// Source  thesis 6.4.1. A voter that answered a heartbeat gives no vote for one election time-out of its clock.
// Drift   each clock may be off by clock_drift_max: the lease ends earlier by twice that fraction.
// Watch   compares the rate of each follower's clock with this member's, over windows of kDriftWindow. If a clock
//         drifts more than allowed, or jumps because it restarted, lease reads are off until a whole window is good.
// Owner   the leader's core; not thread-safe.
#include <algorithm>
#include <map>

#include "actors/raft/logic/settings.hpp"
#include "actors/raft/logic/types.hpp"

namespace troupe::raft {

/// Returns how long a lease lasts after the acknowledged heartbeats were sent.
inline base::Duration lease_of(const Settings& settings) {
  return settings.election - settings.election * (2 * settings.clock_drift_max) / 1'000;
}

class ClockWatch {
 public:
  /// Compares `clock`, which `member` read shortly before `now`. Returns true if that clock starts to drift.
  bool hear(const MemberId& member, base::Duration clock, base::Instant now, std::uint32_t drift_max) {
    const auto [at, fresh] = clocks_.try_emplace(member, Clock{clock, now, false});
    Clock& known = at->second;
    if (fresh) return false;
    const base::Duration ours = now - known.since, theirs = subtract(clock, known.clock);
    if (ours < kDriftWindow && theirs >= base::Duration::zero()) return false;
    const base::Duration off = theirs > ours ? theirs - ours : ours - theirs;
    const bool drifts = theirs < base::Duration::zero() || off > ours / 1'000 * drift_max;
    const bool news = drifts && !known.drifts;
    known = {clock, now, drifts};
    return news;
  }
  void forget(const MemberId& member) { clocks_.erase(member); }
  bool steady() const {
    return std::none_of(clocks_.begin(), clocks_.end(), [](const auto& at) { return at.second.drifts; });
  }

 private:
  /// Returns a - b, which saturates because a peer may send any value.
  static base::Duration subtract(base::Duration a, base::Duration b) {
    base::Duration::rep out = 0;
    if (__builtin_sub_overflow(a.count(), b.count(), &out)) return base::Duration{-1};
    return base::Duration{out};
  }
  struct Clock {
    base::Duration clock;
    base::Instant since;
    bool drifts;
  };
  std::map<MemberId, Clock> clocks_;
};

}  // namespace troupe::raft
