#pragma once
// The state tree of another node, of which only the rows are here that a comparison came by.
//
// Use     diff() of tree.hpp with it; if a row was missing, wanted() names it: ask for it, take() it, and again. So the
//         walk goes down one path, where hashes differ, and asks for at most kNibblesMax rows.
// Trust   a row has to have the hash that the row above it has named, and each leaf its own: all that is taken follows
//         from the root that the other node has told.
#include "actors/chain/logic/tree.hpp"

namespace troupe::chain {

class RemoteTree final : public TreeRows {
 public:
  explicit RemoteTree(const TreeRoot& root);

  const TreeRoot& root() const { return root_; }
  /// Null if it is not here; then it is wanted.
  RowBytes row(const RowKey& key) const override;
  /// The row that was looked for last and is not here.
  const std::optional<RowKey>& wanted() const { return wanted_; }

  /// False unless it is the row that was wanted, as the root demands it. Then nothing has changed.
  bool take(base::Bytes bytes);

 private:
  const TreeRoot root_;
  std::map<RowKey, base::Digest> named_;  // by rows that are here, or by the root
  std::map<RowKey, RowBytes> rows_;
  mutable std::optional<RowKey> wanted_;
};

}  // namespace troupe::chain
