#pragma once
// The commands of `troupe raft` that have their own source file; raft.cpp names them all.
#include <chrono>
#include <optional>
#include <string>

#include "actors/raft/api.hpp"
#include "apps/cli/command.hpp"
#include "runtime/base/whole_units.hpp"

namespace troupe::apps {

Ending raft_init(const Invocation& invocation, Console& console);
Ending raft_status(const Invocation& invocation, Console& console);
Ending raft_list(const Invocation& invocation, Console& console);
Ending raft_add(const Invocation& invocation, Console& console);
Ending raft_remove(const Invocation& invocation, Console& console);
Ending raft_transfer(const Invocation& invocation, Console& console);
Ending raft_snapshot(const Invocation& invocation, Console& console);
Ending raft_recover(const Invocation& invocation, Console& console);

namespace raft_command {

inline constexpr const char* kGroupDefault = "main";

/// Returns --group, otherwise `main`. Fails with usage for an invalid name.
base::Result<std::string, Failure> group_of(const Invocation& invocation);
/// Returns --timeout, otherwise `fallback`. Fails with usage.
base::Result<base::Duration, Failure> timeout_of(const Invocation& invocation, base::Duration fallback);
/// Returns sixteen hexadecimal digits, for an incarnation, a hash or a lease.
std::string hex_number(std::uint64_t number);
/// Parses ID@HOST:PORT with a numeric host.
std::optional<std::pair<base::NodeId, base::Endpoint>> parse_member(const std::string& typed);
/// Adds what to do if this node knows no such group.
Failure explained(Failure failure, const std::string& group);
inline Option group_option() {
  return {.name = "--group", .value = "NAME", .help = "name of the group (default main)"};
}
inline Option timeout_option(const char* help) { return {.name = "--timeout", .value = "T", .help = help}; }

}  // namespace raft_command
}  // namespace troupe::apps
