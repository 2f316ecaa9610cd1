#pragma once
// What the files of `troupe inspect` share.
#include <string>

#include "apps/cli/client.hpp"
#include "messages/inspect.capnp.h"
#include "messages/output/inspect.capnp.h"

namespace troupe::apps::inspect_command {

inline constexpr const char* kInspect = "/inspect";
inline constexpr std::chrono::seconds kTimeout{10};  // our choice: of a million actors a list takes well under one

/// `inspect --once PATH`.
Ending look_at(const Invocation& invocation, Console& console, const std::string& path);

/// What --filter and --top know, for help.
extern const char* const kColumns;

/// "480 ms", "4.5 s", "11 s", "3 min"; "16 us", "4.1 ms": for people.
std::string milliseconds(std::uint64_t ms);
std::string microseconds(std::uint64_t us);
/// "12.5 %" of a share between 0 and 1.
std::string percent(double share);
/// "2026-01-31T12:00:00.123Z".
std::string time_of(std::uint64_t unix_ms);
/// The id of a trace: 16 hexadecimal digits.
std::string trace_text(std::uint64_t trace);

}  // namespace troupe::apps::inspect_command
