#pragma once
// The smallest scenario that still fails in the same way, for a person to read and for a test to keep.
//
// Source  Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002. Of their ddmin we keep the
//         complements alone: all of a list goes, then each half, quarter and so on down to one. k needed of n are found
//         in about 2k log2(n/k) tries, and whatever was taken over has failed: a failure that does not grow with its
//         causes costs size, never truth.
// Order   what came after the failure; faults, operations, nodes, knobs, planted bugs, drift, policy, TLS; then
//         moments, spans and amounts, rounded and halved. Again, until nothing changes.
// Chance  none: the same failure shrinks to the same scenario, however many are tried at once.
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "apps/sim/scenario_file.hpp"

namespace troupe::apps {

inline constexpr std::size_t kShrinkTriesMax = 5'000;  // our choice: what a person waits for, at 100 ms each

/// Runs candidates, one or several at once, and says which is the first of them that fails alike; nothing if none does.
using FailsAlike = std::function<std::optional<std::size_t>(std::span<const sim::Scenario> candidates)>;

struct ShrinkLimits {
  std::size_t tries_max = kShrinkTriesMax;
  std::size_t at_once = 1;                                   ///< candidates of one trial, at most
  std::function<bool()> out_of_time = [] { return false; };  ///< asked before each trial
};

/// Told after each trial.
struct ShrinkStep {
  std::string_view doing;  ///< "faults"
  std::size_t tries;
  const sim::Scenario& smallest;
};

struct Shrunk {
  sim::Scenario smallest;
  std::size_t tries = 0;
  bool finished = false;  ///< no single step makes it smaller; else a limit was reached before that was known
};

/// `failed_at` is when the failure showed, from the beginning of the world; it may lie behind the scenario's time.
/// `failing` is not tried again: the caller has seen it fail.
Shrunk shrink(const sim::Scenario& failing, base::Duration failed_at, sim::WorkloadSpecs specs, const FailsAlike& trial,
              const ShrinkLimits& limits, const std::function<void(const ShrinkStep&)>& progress);

}  // namespace troupe::apps
