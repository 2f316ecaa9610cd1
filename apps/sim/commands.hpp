#pragma once
// The commands below `troupe sim`: each has a source of its own.
#include "apps/cli/command.hpp"
#include "apps/sim/outcome.hpp"

namespace troupe::apps::sim_command {

Command run();      // run_command.cpp
Command replay();   // replay_command.cpp
Command shrink();   // shrink_command.cpp
Command list();     // list_command.cpp
Command mutants();  // mutants_command.cpp

// The DHT without actors, so that its networks can be large and live long (actors/dht/model).
Command churn();     // churn_command.cpp
Command eclipse();   // eclipse_command.cpp
Command survival();  // survival_command.cpp

}  // namespace troupe::apps::sim_command
