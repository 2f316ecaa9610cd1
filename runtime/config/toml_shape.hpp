#pragma once
// Bounds the nesting of TOML text before it is parsed.
//
// toml++ 3.3 limits the nesting of arrays and inline tables, but not of dotted keys: a line of 300,000 dots makes as
// many nested tables, whose destructor then overflows the stack.
#include <cstddef>
#include <optional>
#include <string_view>

namespace troupe::config {

inline constexpr std::size_t kTomlDotsMax = 16;    // per line, outside of text; our keys have at most two
inline constexpr std::size_t kTomlNestingMax = 8;  // nested brackets; our lists have one level

/// Returns the line (from 1) that is nested too deeply, or nullopt.
std::optional<std::size_t> too_deep_line(std::string_view toml);

}  // namespace troupe::config
