#pragma once
// Creates the logs of a node from its settings.
#include <memory>
#include <string>

#include "apps/cli/failure.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/observe/log.hpp"

namespace troupe::apps {

/// Creates the log. A relative log file is below `directory`, the node's data directory. Fails if the file cannot be
/// opened.
base::Result<std::unique_ptr<observe::Log>, Failure> make_log(const config::Settings& settings,
                                                              const std::string& directory,
                                                              std::function<base::WallTime()> wall);

/// Sets all levels to the levels in `settings`. Domains in `before` that are no longer named get the common level.
void apply_levels(observe::Log& log, const config::Settings& settings, const config::Pairs& before = {});

/// Logs each change of `health`. Call it before other threads start.
void log_changes(observe::Health& health, observe::Log& log);

}  // namespace troupe::apps
