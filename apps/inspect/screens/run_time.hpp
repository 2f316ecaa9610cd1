#pragma once
// The screens on a world that can be moved in: a recorded one, or one that is run for them.
#include "apps/cli/command.hpp"
#include "apps/sim/timeline.hpp"

namespace troupe::apps::screens {

/// What is shown first.
struct TimeStart {
  std::optional<std::uint64_t> event{};  ///< none: the failure, or the end
  std::size_t node = 0;
  std::string actor{};  ///< empty: the overview
};

/// Shows the world until the user ends it, and then prints its report. `words` name the world to a command; empty: none
/// do. Before any other thread is started: the world is a fork.
Ending run_time(Console& console, Recorded world, sim::WorkloadSpecs workloads, const std::string& words,
                const TimeStart& start = {});

}  // namespace troupe::apps::screens
