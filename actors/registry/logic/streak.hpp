#pragma once
// How long a node was healthy, and how long it was up, as its watcher saw it; milestones follow from that.
//
// Gap     a gap of up to `gap_max` without a sample is ignored. So is a gap of up to kOwnGapMax in which the node did
//         not restart, because then the watcher was down.
// Restart the node's uptime tells when it restarted.
#include "actors/registry/logic/history.hpp"

namespace troupe::registry {

inline constexpr std::uint64_t kHealthMilestoneMs = 24ull * 3'600'000;      // issue 21: every 24 h healthy
inline constexpr std::uint64_t kUptimeMilestoneMs = 7 * 24ull * 3'600'000;  // issue 21: every 7 days up
inline constexpr std::uint64_t kOwnGapMaxMs = 3'600'000;                    // our choice

struct Streak {
  std::uint64_t healthy_from = 0;  ///< Unix ms, plus the time of counted milestones; 0: not healthy
  std::uint64_t online_from = 0;   ///< as healthy_from, for being up
  std::uint64_t last = 0;          ///< the last sample; 0: none

  struct Milestones {
    unsigned healthy = 0, uptime = 0;
  };
  /// Returns the milestones reached with this sample, which is not older than the last.
  Milestones note(const Sample& sample, std::uint64_t gap_max_ms);
  friend bool operator==(const Streak&, const Streak&) = default;
};

}  // namespace troupe::registry
