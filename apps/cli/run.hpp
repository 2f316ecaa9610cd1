#pragma once
// The whole program except its process: parses the command line, runs the command, and prints a failure (failure.hpp).
#include <string>
#include <vector>

#include "apps/cli/command.hpp"

namespace troupe::apps {

/// Runs the command in `arguments` (without the program's name). Never throws.
Exit run(const Commands& table, const std::vector<std::string>& arguments, Console& console);

}  // namespace troupe::apps
