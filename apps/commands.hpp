#pragma once
#include "apps/cli/command.hpp"

namespace troupe::apps {

/// Every command of `troupe`, in the order of `troupe help`.
Commands commands();

/// Adds the examples of apps/examples.cpp to the commands with which they begin.
void add_examples(Commands& table);

}  // namespace troupe::apps
