#pragma once
// Runs a world twice and finds the first event in which the two runs differ.
//
// The second run has a different heap layout, so that any dependency on addresses shows. Owner: one process.
#include <optional>
#include <string>

#include "apps/sim/outcome.hpp"
#include "apps/sim/workloads.hpp"

namespace troupe::apps {

/// The first event in which two runs differ: by its order, its actor, or its messages, random draws or writes.
struct Parted {
  std::uint64_t event = 0;
  std::string one;  ///< the event in the first run
  std::string other;
};

struct Twice {
  Outcome outcome;  ///< of the first run
  std::optional<Parted> parted;
};

Twice run_twice(const sim::Scenario& scenario, sim::WorkloadSpecs workloads = all_workloads());

/// The invariant that told() reports as broken if the two runs of a world differ.
inline constexpr std::string_view kSameTwice = "sim.same-twice";

/// Returns one outcome for both runs: the first run's, or if the runs differ a broken kSameTwice.
Outcome told(Twice twice);

}  // namespace troupe::apps
