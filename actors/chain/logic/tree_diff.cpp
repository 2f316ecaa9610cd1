#include "actors/chain/logic/tree_diff.hpp"

#include <algorithm>

namespace troupe::chain {
namespace {

/// Whether the leaf belongs below its cell, and has the hash of its key and value.
bool true_leaf(const RowKey& row, std::size_t cell, const Cell& leaf) {
  const Path path = path_of(leaf.key);
  for (std::size_t i = 0; i < row.nibbles; ++i)
    if (nibble(path, i) != nibble(row.path, i)) return false;
  return nibble(path, row.nibbles) == cell && leaf_hash(path, leaf.value) == leaf.hash;
}

}  // namespace

RemoteTree::RemoteTree(const TreeRoot& root) : root_(root) {
  if (root_.hash != base::Digest{}) named_.emplace(RowKey{root_.version, 0, {}}, root_.hash);
}

RowBytes RemoteTree::row(const RowKey& key) const {
  if (const auto at = rows_.find(key); at != rows_.end()) return at->second;
  wanted_ = key;
  return nullptr;
}

bool RemoteTree::take(base::Bytes bytes) {
  if (!wanted_ || bytes.size() > kRowBytesMax) return false;
  const RowKey key = *wanted_;
  const auto name = named_.find(key);
  const auto row = decode_row(bytes);
  if (name == named_.end() || !row || fold(*row) != name->second) return false;
  // Below the top row, a leaf without siblings is in a higher row.
  if (key.nibbles > 0 && lone_leaf(*row, 0, kRowCells) != nullptr) return false;
  std::map<RowKey, base::Digest> below;
  for (std::size_t i = 0; i < kRowCells; ++i) {
    const Cell& cell = (*row)[i];
    if (cell.leaf() && !true_leaf(key, i, cell)) return false;
    if (!cell.child()) continue;
    if (key.nibbles + 1u >= kNibblesMax || cell.hash == base::Digest{}) return false;
    below.emplace(key.child(i, cell.written), cell.hash);
  }
  named_.merge(below);
  rows_.emplace(key, std::make_shared<const base::Bytes>(std::move(bytes)));
  wanted_.reset();
  return true;
}

}  // namespace troupe::chain
