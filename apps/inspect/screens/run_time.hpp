#pragma once
// The screens on a world that can be moved in: a recorded one, or one that is run for them.
#include "apps/cli/command.hpp"
#include "apps/sim/timeline.hpp"

namespace troupe::apps::screens {

/// Shows the world until the user ends it. Before any other thread is started: the world is a fork.
Ending run_time(Console& console, Recorded world, sim::WorkloadSpecs workloads, const std::string& words);

}  // namespace troupe::apps::screens
