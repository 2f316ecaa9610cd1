#pragma once
// Shared parts of `troupe inspect`.
#include <string>

#include "apps/cli/client.hpp"
#include "messages/inspect.capnp.h"
#include "messages/output/inspect.capnp.h"

namespace troupe::apps::inspect_command {

inline constexpr const char* kInspect = "/inspect";
inline constexpr std::chrono::seconds kTimeout{10};  // our choice: a list of a million actors takes under a second

/// Runs `inspect --once PATH`.
Ending look_at(const Invocation& invocation, Console& console, const std::string& path);

/// The text of the columns of --filter and --top, for help.
extern const char* const kColumns;

/// Returns a time for people: "480 ms", "4.5 s", "11 s", "3 min"; "16 us", "4.1 ms".
std::string milliseconds(std::uint64_t ms);
std::string microseconds(std::uint64_t us);
/// Returns "12.5 %" for a share between 0 and 1.
std::string percent(double share);
/// Returns "2026-01-31T12:00:00.123Z".
std::string time_of(std::uint64_t unix_ms);
/// Returns the id of a trace: 16 hexadecimal digits.
std::string trace_text(std::uint64_t trace);

}  // namespace troupe::apps::inspect_command
