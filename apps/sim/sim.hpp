#pragma once
// The commands `troupe sim ...`, one source file for each: apps/sim/sim.cpp and apps/sim/*_command.cpp.
#include "apps/cli/command.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::apps {

Commands sim_commands();
/// Returns the commands for these domains only.
Commands sim_commands(sim::WorkloadSpecs workloads);

}  // namespace troupe::apps
