#pragma once
// Rows of one keyspace, and a change of them that happens whole or not at all.
#include <iterator>
#include <utility>
#include <vector>

#include "runtime/base/bytes.hpp"

namespace troupe::store {

struct Row {
  base::Bytes key;
  base::Bytes value;
  friend bool operator==(const Row&, const Row&) = default;
};

/// No key is named twice.
struct RowChange {
  std::vector<Row> save;
  std::vector<base::Bytes> erase;

  bool empty() const { return save.empty() && erase.empty(); }
  /// Takes over the rows of `other`, after those already here.
  void add(RowChange other) {
    std::move(other.save.begin(), other.save.end(), std::back_inserter(save));
    std::move(other.erase.begin(), other.erase.end(), std::back_inserter(erase));
  }
};

}  // namespace troupe::store
