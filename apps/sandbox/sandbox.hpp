#pragma once
// What the commands `troupe sandbox …` share.
#include "apps/cli/command.hpp"
#include "runtime/sandbox/limits.hpp"

namespace troupe::apps {

/// --cpu, --memory, --disk, --pids, --time, --files and --output, with their defaults.
std::vector<Option> limit_options();

/// Whether a command has --output for the limit.
enum class Streams : std::uint8_t { limited, no_limit };
/// The limits that were given, over the defaults. Fails with usage if one cannot be read, or is out of its bounds.
base::Result<sandbox::Limits, Failure> limits_of(const Invocation& invocation, Streams streams = Streams::limited);

Ending sandbox_run(const Invocation& invocation, Console& console);
Ending sandbox_check(const Invocation& invocation, Console& console);

/// "v1", "v2"; nothing for 0.
std::optional<std::string> cgroup_text(int version);

}  // namespace troupe::apps
