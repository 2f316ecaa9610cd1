#pragma once
// Shared parts of the commands `troupe bench …`: options, the time per figure, and the output of figures.
#include "apps/bench/runner.hpp"
#include "apps/cli/command.hpp"

namespace troupe::bench {

inline constexpr const char* kNoTasks = "task.slots=0";  // nodes test each other's results in their first minute

/// These return the options --seconds, --dir and --only.
apps::Option seconds_option();
apps::Option dir_option();
apps::Option only_option();

/// Returns --seconds (default 2 s). Fails with usage if the value is not a number above 0 and at most 600.
Measurement<base::Duration> span_of(const apps::Invocation& invocation);

/// Prints the figures. Fails if a figure has counted an error, because it is then invalid.
apps::Ending print(const apps::Invocation& invocation, apps::Console& console, const Measurement<Figures>& figures);

}  // namespace troupe::bench
