#pragma once
// The state of a chain: a sparse Merkle tree over keys and values, whose shape depends only on its content.
//
// Source    ICS-23 `SmtSpec` since v0.10; hashes: tree_row.hpp. An empty tree or subtree is 32 zero bytes. A leaf is at
//           the least depth at which no other key shares its prefix. Its path: the bits of SHA-256(key), highest first.
// Versions  copy on write. A row is written once, under the height that changed it; the row above names that height. So
//           a root reaches the whole state of its height, with one exact read per row. An update lists the rows that it
//           replaces (`stale`); no later version reads them. To keep the states from H on, erase the rows that updates
//           up to H made stale. Keys begin with the height, so LevelDB gets rows in rising order (as in Diem's tree).
// Values    are in the rows: an update must read the row of a leaf anyway, so the tree is the only copy of the state.
// Damage    errors name the missing or invalid row. Reads do not check a row's hash: the store checks its blocks.
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "actors/chain/logic/tree_proof.hpp"
#include "actors/chain/logic/tree_row.hpp"
#include "runtime/base/result.hpp"

namespace troupe::chain {

/// A stored row: read many times, never copied.
using RowBytes = std::shared_ptr<const base::Bytes>;

/// The stored rows of all heights.
class TreeRows {
 public:
  virtual ~TreeRows() = default;
  /// Returns null if the row is missing.
  virtual RowBytes row(const RowKey& key) const = 0;
  /// Returns a buffer of that size for a new row, with arbitrary content. An update makes thousands of rows; an
  /// implementation that evicts rows may reuse their buffers.
  virtual std::shared_ptr<base::Bytes> buffer(std::size_t) const { return std::make_shared<base::Bytes>(); }
};

struct TreeRoot {
  base::Digest hash{};  ///< zeros: an empty tree, which has no rows
  Height version{};     ///< the height under which the row at the top was written
  friend bool operator==(const TreeRoot&, const TreeRoot&) = default;
};

struct TreeDamage {
  RowKey row;  ///< missing or invalid
};

/// The new value of each changed key, or nullopt to erase the key. Keys have 1 to kTreeKeyBytesMax bytes, values 1 to
/// kTreeValueBytesMax; anything else breaks an invariant.
using TreeChanges = std::map<base::Bytes, std::optional<base::Bytes>>;

struct TreeUpdate {
  TreeRoot root;
  std::vector<std::pair<RowKey, RowBytes>> rows;  ///< to write in one batch, sorted by key; never null
  std::vector<RowKey> stale;                      ///< not read by this or later versions; sorted by path
};

/// Returns the tree after `changes`, under `height`, which is above all heights in the tree. Unchanged values change
/// nothing. If no value changes, the root stays, including its version.
base::Result<TreeUpdate, TreeDamage> update(const TreeRows& rows, const TreeRoot& root, Height height,
                                            const TreeChanges& changes);

base::Result<std::optional<base::Bytes>, TreeDamage> find(const TreeRows& rows, const TreeRoot& root,
                                                          base::ByteView key);

/// Proves existence if the key is present, otherwise non-existence. `key` has at least one byte.
base::Result<TreeProof, TreeDamage> prove(const TreeRows& rows, const TreeRoot& root, base::ByteView key);

struct Leaf {
  base::Bytes key;
  base::Bytes value;
  friend bool operator==(const Leaf&, const Leaf&) = default;
};
/// Calls `take` for each leaf with a path of at least `from`, in order of path, until `take` returns false.
base::Result<void, TreeDamage> each_leaf(const TreeRows& rows, const TreeRoot& root, const Path& from,
                                         const std::function<bool(const Cell&)>& take);

/// Returns the first key, in order of path, whose values differ, or nullopt if the trees are equal. Reads only rows on
/// the path to it. If `b` is on another node, the error names the next row to request from it.
base::Result<std::optional<base::Bytes>, TreeDamage> diff(const TreeRows& rows_a, const TreeRoot& a,
                                                          const TreeRows& rows_b, const TreeRoot& b);

}  // namespace troupe::chain
