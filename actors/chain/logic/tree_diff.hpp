#pragma once
// Another node's state tree, with only the rows that a comparison has needed so far.
//
// Use     pass it to diff() of tree.hpp. If a row is missing, wanted() names it: request it, take() it and repeat. The
//         scan follows one path of differing hashes and requests at most kNibblesMax rows.
// Trust   a row must have the hash that the row above it names, and so must each leaf. So everything accepted follows
//         from the root that the other node announced.
#include "actors/chain/logic/tree.hpp"

namespace troupe::chain {

class RemoteTree final : public TreeRows {
 public:
  explicit RemoteTree(const TreeRoot& root);

  const TreeRoot& root() const { return root_; }
  /// Returns null if the row is not here; then it is wanted().
  RowBytes row(const RowKey& key) const override;
  /// The last row that was not here.
  const std::optional<RowKey>& wanted() const { return wanted_; }

  /// Returns false and changes nothing unless it is the wanted row with the hash that the root implies.
  bool take(base::Bytes bytes);

 private:
  const TreeRoot root_;
  std::map<RowKey, base::Digest> named_;  // hashes of rows, as named by rows that are here, or by the root
  std::map<RowKey, RowBytes> rows_;
  mutable std::optional<RowKey> wanted_;
};

}  // namespace troupe::chain
