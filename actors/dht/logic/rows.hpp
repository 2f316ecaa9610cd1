#pragma once
// Changes of rows in the node's store, as the logic decides them. The actor saves each change in one atomic batch,
// before it reports the change to other nodes.
#include <algorithm>
#include <chrono>

#include "runtime/store/logic/row_change.hpp"

namespace troupe::dht {

using store::RowChange;

/// Returns by how much an end must move before it is written again. Our choice: short holds still cause many writes.
constexpr std::chrono::seconds renewed_after(std::chrono::seconds hold) {
  return std::min<std::chrono::seconds>(std::chrono::hours(1), hold / 24);
}

/// Why a row that was read is refused. The owner erases it, unless the error is `present`.
enum class RowError : std::uint8_t {
  corrupt,  ///< not a row that this program wrote
  expired,  ///< its lifetime is over
  full,     ///< the limits are smaller than when it was written
  present,  ///< a newer row has taken its place
};

}  // namespace troupe::dht
