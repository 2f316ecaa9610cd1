#pragma once
// "Did you mean": the known name that is nearest to a mistyped one.
#include <cstddef>
#include <span>
#include <string_view>

namespace troupe::base {

/// Only this many bytes of a typed name are compared, so that a hostile one costs little.
inline constexpr std::size_t kComparedBytesMax = 128;

/// Letters to insert, remove or replace to make one of the other (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The first of those that are nearest; empty if `known` is.
std::string_view nearest(std::string_view typed, std::span<const std::string_view> known);

}  // namespace troupe::base
