#pragma once
// Finds the smallest scenario that still fails in the same way, for people to read and for tests to keep.
//
// Source  Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002. Of their ddmin we use only
//         the complements: the whole list is left out, then each half, quarter and so on down to one entry. k needed of
//         n entries are found in about 2k log2(n/k) tries. Every accepted scenario has failed, so at worst the result
//         is larger than necessary.
// Order   events after the failure; faults, operations, nodes, knobs, mutants, drift, policy, TLS; then times, spans
//         and amounts, rounded and halved. Repeated until nothing changes.
// Chance  none: the same failure shrinks to the same scenario, however many candidates are tried at once.
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "apps/sim/scenario_file.hpp"

namespace troupe::apps {

inline constexpr std::size_t kShrinkTriesMax = 5'000;  // our choice: as long as a person waits, at 100 ms each

/// Runs candidates, one or several at once, and returns the first that fails alike, or nullopt.
using FailsAlike = std::function<std::optional<std::size_t>(std::span<const sim::Scenario> candidates)>;

struct ShrinkLimits {
  std::size_t tries_max = kShrinkTriesMax;
  std::size_t at_once = 1;                                   ///< maximum number of candidates in one trial
  std::function<bool()> out_of_time = [] { return false; };  ///< called before each trial
};

/// The progress, reported after each trial.
struct ShrinkStep {
  std::string_view doing;  ///< "faults"
  std::size_t tries;
  const sim::Scenario& smallest;
};

struct Shrunk {
  sim::Scenario smallest;
  std::size_t tries = 0;
  bool finished = false;  ///< no single step makes the scenario smaller; false: a limit was reached first
};

/// Shrinks `failing`, which is not tried again, because the caller has seen it fail. `failed_at` is the time of the
/// failure since the beginning of the world; it may be after the scenario's time.
Shrunk shrink(const sim::Scenario& failing, base::Duration failed_at, sim::WorkloadSpecs specs, const FailsAlike& trial,
              const ShrinkLimits& limits, const std::function<void(const ShrinkStep&)>& progress);

}  // namespace troupe::apps
