#pragma once
// Bounds the nesting of TOML text before it is parsed.
//
// toml++ 3.3 bounds the nesting of arrays and inline tables, but not of dotted keys: a line of 300,000 dots makes
// as many nested tables, whose destructor then overflows the stack.
#include <cstddef>
#include <optional>
#include <string_view>

namespace troupe::config {

inline constexpr std::size_t kTomlDotsMax = 16;    // on a line, outside of text; a key of ours has two
inline constexpr std::size_t kTomlNestingMax = 8;  // brackets within each other; a list of ours has one

/// The line (from 1) that is nested too deeply, or nothing.
std::optional<std::size_t> too_deep_line(std::string_view toml);

}  // namespace troupe::config
