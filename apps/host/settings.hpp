#pragma once
// The settings of a command that starts or describes a node: DIR/config.toml or --config, environment, flags.
#include "apps/cli/command.hpp"
#include "runtime/config/settings.hpp"

namespace troupe::apps {

/// "--config FILE" and "--set key=value"…, for the options of a command that calls load_settings().
std::vector<Option> setting_options();

/// Returns the sources that the command line names. `flags` are options of the command that stand for a setting, such
/// as {"--listen", "listen", "0.0.0.0:4000"}; they override `--set`. DIR/config.toml may be missing; a file named by
/// --config must exist.
base::Result<config::Sources, Failure> setting_sources(const Invocation& invocation, const Console& console,
                                                       std::vector<config::FlagValue> flags);

/// Returns the settings from those sources, or a failure with exit 2 that names the first problem.
base::Result<config::Settings, Failure> load_settings(const Invocation& invocation, const Console& console,
                                                      std::vector<config::FlagValue> flags);

}  // namespace troupe::apps
