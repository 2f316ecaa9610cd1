#pragma once
// The screens for a simulation run, recorded or new, in whose time the user can move.
#include "apps/cli/command.hpp"
#include "apps/sim/timeline.hpp"

namespace troupe::apps::screens {

/// The position that is shown first.
struct TimeStart {
  std::optional<std::uint64_t> event{};  ///< nullopt: the failure, or the end
  std::size_t node = 0;
  std::string actor{};  ///< empty: the overview
};

/// Shows the run until the user quits, and then prints its report. `words` are the words by which a command names the
/// run; empty if no words do. Call it before any other thread is started, because the run is a forked process.
Ending run_time(Console& console, Recorded world, sim::WorkloadSpecs workloads, const std::string& words,
                const TimeStart& start = {});

}  // namespace troupe::apps::screens
