#pragma once
// Durations as whole numbers, for messages and people; a negative duration counts as zero.
#include <algorithm>
#include <cstdint>

#include "runtime/base/time.hpp"

namespace troupe::base {

constexpr std::uint64_t milliseconds(Duration span) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(span / std::chrono::milliseconds(1), 0));
}
constexpr std::uint64_t microseconds(Duration span) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(span / std::chrono::microseconds(1), 0));
}

}  // namespace troupe::base
