#pragma once
// Scenario files of the caller: read whole and checked, written whole or not at all.
#include <string>

#include "apps/cli/failure.hpp"
#include "runtime/base/result.hpp"
#include "runtime/sim/scenario.hpp"

namespace troupe::apps {

/// Fails with exit 2 and the line that is wrong.
base::Result<sim::Scenario, Failure> load_scenario(const std::string& path);

/// `about` becomes the comment at its head. An older file of that name is replaced once the new one is whole.
base::Result<void, Failure> save_scenario(const std::string& path, const sim::Scenario& scenario,
                                          const std::string& about);

}  // namespace troupe::apps
