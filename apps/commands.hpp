#pragma once
#include "apps/cli/command.hpp"

namespace troupe::apps {

/// Returns every command of `troupe`, in the order of `troupe help`.
Commands commands();

/// Adds the examples of apps/examples.cpp to the commands whose names they begin with.
void add_examples(Commands& table);

}  // namespace troupe::apps
