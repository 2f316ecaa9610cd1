#pragma once
// Rows in memory, and the state tree as one would write it without a thought for speed: the oracle of the other one.
#include <map>
#include <unordered_map>

#include "actors/chain/logic/tree.hpp"
#include "runtime/crypto/hash.hpp"
#include "tests/support.hpp"

namespace troupe::chain {

class MemoryRows : public TreeRows {
 public:
  RowBytes row(const RowKey& key) const override {
    const auto at = rows.find(key);
    return at == rows.end() ? nullptr : std::make_shared<const base::Bytes>(at->second);
  }
  void commit(const TreeUpdate& update) {
    for (const auto& [key, bytes] : update.rows) {
      REQUIRE(rows.emplace(key, *bytes).second);  // written once
    }
  }
  std::map<RowKey, base::Bytes> rows;
};

/// The tree of all heights, as a chain keeps it.
struct TestTree {
  MemoryRows rows;
  TreeRoot root;
  Height height;
  std::map<Height, std::vector<RowKey>> stale;

  TreeRoot change(const TreeChanges& changes) {
    ++height.value;
    const auto made = update(rows, root, height, changes);
    REQUIRE(made.ok());
    rows.commit(made.value());
    stale[height] = made.value().stale;
    root = made.value().root;
    return root;
  }
  /// Keeps the states from `from` on.
  void prune(Height from) {
    for (; !stale.empty() && stale.begin()->first <= from; stale.erase(stale.begin()))
      for (const RowKey& key : stale.begin()->second) CHECK(rows.rows.erase(key) == 1);
  }
};

using Content = std::map<base::Bytes, base::Bytes>;

inline void change(Content& content, const TreeChanges& changes) {
  for (const auto& [key, value] : changes)
    if (value) content[key] = *value;
    else content.erase(key);
}

/// The root of the leaves of a range, whose paths agree in the first `depth` bits.
inline base::Digest dumb_root(std::span<const std::pair<base::Digest, base::Digest>> leaves, std::size_t depth = 0) {
  if (leaves.empty()) return {};
  if (leaves.size() == 1) return leaves.front().second;
  std::size_t left = 0;
  while (left < leaves.size() && (leaves[left].first.bytes[depth / 8] >> (7 - depth % 8) & 1) == 0) ++left;
  base::Bytes node{1};
  for (const auto& half : {dumb_root(leaves.first(left), depth + 1), dumb_root(leaves.subspan(left), depth + 1)})
    node.insert(node.end(), half.bytes.begin(), half.bytes.end());
  return crypto::sha256(node);
}

inline base::Digest dumb_root(const Content& content) {
  std::map<base::Digest, base::Digest> leaves;
  for (const auto& [key, value] : content) {
    const base::Digest path = crypto::sha256(key), hash = crypto::sha256(value);
    base::Bytes leaf{0};
    leaf.insert(leaf.end(), path.bytes.begin(), path.bytes.end());
    leaf.insert(leaf.end(), hash.bytes.begin(), hash.bytes.end());
    leaves[path] = crypto::sha256(leaf);
  }
  const std::vector<std::pair<base::Digest, base::Digest>> sorted(leaves.begin(), leaves.end());
  return dumb_root(sorted);
}

inline base::Bytes key_of(std::uint64_t number) { return test::bytes_of("key " + std::to_string(number)); }

/// The tree of a content, made at once.
inline TestTree tree_of(const Content& content) {
  TestTree out;
  TreeChanges all;
  for (const auto& [key, value] : content) all[key] = value;
  out.change(all);
  return out;
}

}  // namespace troupe::chain
