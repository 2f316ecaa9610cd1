#pragma once
// Rows of the node's store as the logic decides on them. The actor that asked for a change saves it in one atomic
// batch, before it tells others of what the change is about.
#include <algorithm>
#include <chrono>

#include "runtime/store/logic/row_change.hpp"

namespace troupe::dht {

using store::RowChange;

/// Another end is worth a write this often: our choice, and still many times before what is held briefly ends.
constexpr std::chrono::seconds renewed_after(std::chrono::seconds hold) {
  return std::min<std::chrono::seconds>(std::chrono::hours(1), hold / 24);
}

/// Why a row that was read is not taken. Its owner erases it, unless it is `present`.
enum class RowError : std::uint8_t {
  corrupt,  ///< not a row that this program wrote
  expired,  ///< its time is over
  full,     ///< the limits are smaller now than when it was written
  present,  ///< its place is taken already, by what came since
};

}  // namespace troupe::dht
