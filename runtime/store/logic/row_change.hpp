#pragma once
// Rows of one keyspace, and a change of them that happens completely or not at all.
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/base/bytes.hpp"

namespace troupe::store {

inline constexpr std::size_t kRowOverhead = 128;            // around key and value, in a commit
inline constexpr std::size_t kSaveBytes = 2 * 1024 * 1024;  // of one commit: half of its limit

struct Row {
  base::Bytes key;
  base::Bytes value;
  friend bool operator==(const Row&, const Row&) = default;
};

/// A row whose value is shared with its owner, so that many large values are not copied for the change.
struct SharedRow {
  base::Bytes key;
  std::shared_ptr<const base::Bytes> value;  ///< not null
};

/// A change; no key is named twice. If it takes several commits, shared rows come first, then saved rows.
struct RowChange {
  std::vector<Row> save{};
  std::vector<base::Bytes> erase{};
  std::vector<SharedRow> shared{};

  bool empty() const { return shared.empty() && save.empty() && erase.empty(); }
  /// Appends the rows of `other`.
  void add(RowChange other) {
    std::move(other.shared.begin(), other.shared.end(), std::back_inserter(shared));
    std::move(other.save.begin(), other.save.end(), std::back_inserter(save));
    std::move(other.erase.begin(), other.erase.end(), std::back_inserter(erase));
  }
};

}  // namespace troupe::store
