#pragma once
// The commands `troupe sim ...`, a source for each: apps/sim.cpp and apps/sim/*_command.cpp.
#include "apps/cli/command.hpp"

namespace troupe::apps {

Commands sim_commands();

}  // namespace troupe::apps
