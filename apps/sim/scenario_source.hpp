#pragma once
// Reads and writes scenario files of the caller: reads them completely and checks them, and writes them atomically.
#include <string>

#include "apps/cli/failure.hpp"
#include "apps/sim/workloads.hpp"
#include "runtime/base/result.hpp"

namespace troupe::apps {

/// Returns the text of a scenario file, at most kScenarioBytesMax.
base::Result<std::string, Failure> read_scenario_text(const std::string& path);

/// Loads a scenario file. Fails with exit 2 and the wrong line.
base::Result<sim::Scenario, Failure> load_scenario(const std::string& path,
                                                   sim::WorkloadSpecs workloads = all_workloads());

/// Writes a scenario file; `about` becomes the comment at the top. An older file of that name is replaced once the new
/// file is complete.
base::Result<void, Failure> save_scenario(const std::string& path, const sim::Scenario& scenario,
                                          const std::string& about, sim::WorkloadSpecs workloads = all_workloads());

/// Writes a file in the same way.
base::Result<void, Failure> save_text(const std::string& path, const std::string& text);

}  // namespace troupe::apps
