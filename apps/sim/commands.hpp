#pragma once
// The commands below `troupe sim`: each has a source of its own.
#include "apps/cli/command.hpp"
#include "apps/sim/outcome.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::apps::sim_command {

Command run(sim::WorkloadSpecs workloads);      // run_command.cpp
Command replay(sim::WorkloadSpecs workloads);   // replay_command.cpp
Command shrink(sim::WorkloadSpecs workloads);   // shrink_command.cpp
Command list(sim::WorkloadSpecs workloads);     // list_command.cpp
Command mutants(sim::WorkloadSpecs workloads);  // mutants_command.cpp

// The DHT without actors, so that its networks can be large and live long (apps/sim/dht_model).
Command churn();     // churn_command.cpp
Command eclipse();   // eclipse_command.cpp
Command survival();  // survival_command.cpp

}  // namespace troupe::apps::sim_command
