#pragma once
// What the commands `troupe bench …` share: options, the time of a figure, and how figures are printed.
#include "apps/bench/runner.hpp"
#include "apps/cli/command.hpp"

namespace troupe::bench {

inline constexpr const char* kNoTasks = "task.slots=0";  // nodes check in their first minute what others compute

/// --seconds, --dir and --only.
apps::Option seconds_option();
apps::Option dir_option();
apps::Option only_option();

/// Returns --seconds (default 2 s). Fails with usage if the value is not a number above 0 and at most 600.
Measurement<base::Duration> span_of(const apps::Invocation& invocation);

/// Prints the figures. Fails if a figure counted an error, because it means nothing then.
apps::Ending print(const apps::Invocation& invocation, apps::Console& console, const Measurement<Figures>& figures);

}  // namespace troupe::bench
