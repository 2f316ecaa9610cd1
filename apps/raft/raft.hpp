#pragma once
// The commands of `troupe raft` that have a source of their own; raft.cpp names them all.
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

/// --group, else `main`. Fails with usage for what is no name.
base::Result<std::string, Failure> group_of(const Invocation& invocation);
/// --timeout, else `fallback`. Fails with usage.
base::Result<base::Duration, Failure> timeout_of(const Invocation& invocation, base::Duration fallback);
/// Sixteen hexadecimal digits: an incarnation, a hash, a lease.
std::string hex_number(std::uint64_t number);
/// ID@HOST:PORT, the host numeric.
std::optional<std::pair<base::NodeId, base::Endpoint>> parse_member(const std::string& typed);
/// Where this node knows no such group: what to do.
Failure explained(Failure failure, const std::string& group);
inline Option group_option() {
  return {.name = "--group", .value = "NAME", .help = "the group; main if it is not named"};
}
inline Option timeout_option(const char* help) { return {.name = "--timeout", .value = "T", .help = help}; }

}  // namespace raft_command
}  // namespace troupe::apps
