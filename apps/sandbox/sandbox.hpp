#pragma once
// Shared parts of the commands `troupe sandbox …`.
#include "apps/cli/command.hpp"
#include "runtime/sandbox/limits.hpp"

namespace troupe::apps {

/// Returns --cpu, --memory, --disk, --pids, --time, --files and --output, with their defaults.
std::vector<Option> limit_options();

/// Whether a command has --output for the limit.
enum class Streams : std::uint8_t { limited, no_limit };
/// Returns the given limits and the defaults for the rest. Fails with usage if a limit is malformed, or out of its
/// bounds.
base::Result<sandbox::Limits, Failure> limits_of(const Invocation& invocation, Streams streams = Streams::limited);

Ending sandbox_run(const Invocation& invocation, Console& console);
Ending sandbox_check(const Invocation& invocation, Console& console);

/// Returns "v1" or "v2"; nullopt for 0.
std::optional<std::string> cgroup_text(int version);

}  // namespace troupe::apps
