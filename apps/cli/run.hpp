#pragma once
// The whole program except its process: parses, runs, and reports a failure in its one shape.
#include <string>
#include <vector>

#include "apps/cli/command.hpp"

namespace troupe::apps {

/// Runs the command that `arguments` (without the program's name) name. Never throws.
Exit run(const Commands& table, const std::vector<std::string>& arguments, Console& console);

}  // namespace troupe::apps
