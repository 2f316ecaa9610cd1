#pragma once
// "Did you mean": finds the known name that is nearest to a mistyped name.
#include <cstddef>
#include <span>
#include <string_view>

namespace troupe::base {

/// Only this many bytes of a typed name are compared, so that a hostile name costs little.
inline constexpr std::size_t kComparedBytesMax = 128;

/// Returns the number of letters to insert, remove or replace to turn `a` into `b` (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Returns the nearest name, the first of several; empty if `known` is empty.
std::string_view nearest(std::string_view typed, std::span<const std::string_view> known);

}  // namespace troupe::base
