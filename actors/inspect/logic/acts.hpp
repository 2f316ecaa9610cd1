#pragma once
// Which actors an operator may pause, restart or kill.
#include <optional>
#include <string>
#include <string_view>

namespace troupe::inspect {

enum class Act : std::uint8_t { pause, restart, kill };

/// Returns why the action is not allowed, or nullopt. Without its links and its inspector a node cannot be reached to
/// undo the action; without its stores it acknowledges rows that it has not saved.
std::optional<std::string> refused(Act act, std::string_view path, std::string_view kind);

}  // namespace troupe::inspect
