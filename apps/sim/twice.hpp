#pragma once
// Runs a world twice and finds the first event in which the two runs differ.
//
// The second run finds a heap in another order, so that whatever depends on an address shows. Owner: one process.
#include <optional>
#include <string>

#include "apps/sim/outcome.hpp"
#include "apps/sim/workloads.hpp"

namespace troupe::apps {

/// The first event that differs: in its order, its actor or what was said, drawn or written in it.
struct Parted {
  std::uint64_t event = 0;
  std::string one;  ///< what happened there in the first run
  std::string other;
};

struct Twice {
  Outcome outcome;  ///< of the first run
  std::optional<Parted> parted;
};

Twice run_twice(const sim::Scenario& scenario, sim::WorkloadSpecs workloads = all_workloads());

/// What told() says does not hold of a world whose two runs part.
inline constexpr std::string_view kSameTwice = "sim.same-twice";

/// As one outcome: that of the first run, unless the two part.
Outcome told(Twice twice);

}  // namespace troupe::apps
