#pragma once
// The whole program but its process: parse, run, and tell a failure in its one shape.
#include <string>
#include <vector>

#include "apps/cli/command.hpp"

namespace troupe::apps {

/// Runs the command that `arguments` (without the program's name) ask for. Throws nothing.
Exit run(const Commands& table, const std::vector<std::string>& arguments, Console& console);

}  // namespace troupe::apps
