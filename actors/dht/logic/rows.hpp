#pragma once
// Rows of the node's store as the logic decides on them. Whoever asked for a change writes it in one atomic batch,
// before it tells anybody of what it is about.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

#include "runtime/base/bytes.hpp"

namespace troupe::dht {

struct SaveRow {
  base::Bytes key;
  base::Bytes value;
  friend bool operator==(const SaveRow&, const SaveRow&) = default;
};
struct EraseRow {
  base::Bytes key;
  friend bool operator==(const EraseRow&, const EraseRow&) = default;
};

/// Rows of one keyspace. No row is named twice.
struct RowChange {
  std::vector<SaveRow> save;
  std::vector<EraseRow> erase;

  bool empty() const { return save.empty() && erase.empty(); }
};

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
