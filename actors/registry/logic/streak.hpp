#pragma once
// For how long a node was healthy, and for how long it was there, as its watcher has seen it: what milestones are.
//
// Gap     a time without a sample of up to `gap_max` breaks nothing; one of up to kOwnGapMax breaks nothing if the node
//         says that it did not restart meanwhile: then it was the watcher that was gone.
// Restart of the node: its time up says when.
#include "actors/registry/logic/history.hpp"

namespace troupe::registry {

inline constexpr std::uint64_t kHealthMilestoneMs = 24ull * 3'600'000;      // issue 21: each 24 h healthy
inline constexpr std::uint64_t kUptimeMilestoneMs = 7 * 24ull * 3'600'000;  // issue 21: each 7 days up
inline constexpr std::uint64_t kOwnGapMaxMs = 3'600'000;                    // our choice

struct Streak {
  std::uint64_t healthy_from = 0;  ///< Unix ms, less what was counted; 0: it is not healthy
  std::uint64_t online_from = 0;   ///< the same of being there
  std::uint64_t last = 0;          ///< the last sample; 0: none

  struct Milestones {
    unsigned healthy = 0, uptime = 0;
  };
  /// What has come with this sample, which is not before the last one.
  Milestones note(const Sample& sample, std::uint64_t gap_max_ms);
  friend bool operator==(const Streak&, const Streak&) = default;
};

}  // namespace troupe::registry
