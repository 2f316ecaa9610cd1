#pragma once
// The logs of a node as its settings want them.
#include <memory>
#include <string>

#include "apps/cli/failure.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/observe/audit.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/observe/log.hpp"

namespace troupe::apps {

/// `directory` is the node's: a relative log file lies below it. Fails if the file cannot be opened.
base::Result<std::unique_ptr<observe::Log>, Failure> make_log(const config::Settings& settings,
                                                              const std::string& directory,
                                                              std::function<base::WallTime()> wall);

/// `audit.log` of the node in `directory`. Fails if it cannot be opened.
base::Result<std::unique_ptr<observe::Audit>, Failure> make_audit(const std::string& directory,
                                                                  std::function<base::WallTime()> wall,
                                                                  observe::Log& log);

/// Sets all levels to those of `settings`. Domains of `before` that are not named any more lose theirs.
void apply_levels(observe::Log& log, const config::Settings& settings, const config::Pairs& before = {});

/// Has each change of `health` logged. Before other threads start.
void log_changes(observe::Health& health, observe::Log& log);

}  // namespace troupe::apps
