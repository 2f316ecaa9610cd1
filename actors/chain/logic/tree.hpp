#pragma once
// The state of a chain: a sparse Merkle tree over keys and values, whose shape follows from its content alone.
//
// Source    ICS-23 `SmtSpec` since v0.10. Leaf, inner node: tree_row.hpp. Empty: 32 zero bytes, also at the root. A
//           leaf is at the least depth at which no other key shares its prefix. Its path is the bits of SHA-256(key),
//           highest first.
// Versions  copy on write: a row is written once, under the height that changed it, and its parent names that height.
//           So a root and its version reach the whole state of their height, with one exact read per row. An update
//           lists the rows that it puts out of use (`stale`): no version from its height on reads them. To keep the
//           states from H on, erase the rows that updates up to H made stale; no search and no reference count is
//           needed. Keys begin with the height, so that LevelDB writes rows in rising order (as in Diem's Jellyfish
//           Merkle tree).
// Values    stand in the rows: an update has to read the row of a leaf anyway, so the tree alone is the state.
// Damage    a row that is missing or not one is named in the error. Rows are the store's, which checks its blocks, so
//           a row is not held against its hash when it is read.
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "actors/chain/logic/tree_proof.hpp"
#include "actors/chain/logic/tree_row.hpp"
#include "runtime/base/result.hpp"

namespace troupe::chain {

/// A row as it is kept: read many times, copied never.
using RowBytes = std::shared_ptr<const base::Bytes>;

/// Where the rows of all heights are kept.
class TreeRows {
 public:
  virtual ~TreeRows() = default;
  /// Null if there is none.
  virtual RowBytes row(const RowKey& key) const = 0;
  /// To write a new row of that size to. Its content is overwritten: an update makes thousands, and who forgets as many
  /// may give their buffers.
  virtual std::shared_ptr<base::Bytes> buffer(std::size_t) const { return std::make_shared<base::Bytes>(); }
};

struct TreeRoot {
  base::Digest hash{};  ///< zeros: an empty tree, which has no rows
  Height version{};     ///< the height under which the row at the top was written
  friend bool operator==(const TreeRoot&, const TreeRoot&) = default;
};

struct TreeDamage {
  RowKey row;  ///< missing, or not a row
};

/// The value of each changed key; nothing: the key is erased. Keys have 1 to kTreeKeyBytesMax bytes, values 1 to
/// kTreeValueBytesMax: broken invariant otherwise.
using TreeChanges = std::map<base::Bytes, std::optional<base::Bytes>>;

struct TreeUpdate {
  TreeRoot root;
  std::vector<std::pair<RowKey, RowBytes>> rows;  ///< to be written in one batch, in order of key; none is null
  std::vector<RowKey> stale;                      ///< not read by this version and later ones; in order of path
};

/// The tree after `changes`, under `height`, which is above each height in the tree. Values that stay the same change
/// nothing; if nothing changes, the root stays, version included.
base::Result<TreeUpdate, TreeDamage> update(const TreeRows& rows, const TreeRoot& root, Height height,
                                            const TreeChanges& changes);

base::Result<std::optional<base::Bytes>, TreeDamage> find(const TreeRows& rows, const TreeRoot& root,
                                                          base::ByteView key);

/// Existence if the key is there, otherwise non-existence. `key` has at least one byte.
base::Result<TreeProof, TreeDamage> prove(const TreeRows& rows, const TreeRoot& root, base::ByteView key);

struct Leaf {
  base::Bytes key;
  base::Bytes value;
  friend bool operator==(const Leaf&, const Leaf&) = default;
};
/// Calls `take` for each leaf whose path is `from` or later, in order of path, until it returns false.
base::Result<void, TreeDamage> each_leaf(const TreeRows& rows, const TreeRoot& root, const Path& from,
                                         const std::function<bool(const Cell&)>& take);

/// The first key, in order of path, that the two do not have with the same value; nothing if they are equal. Reads rows
/// on the way to it alone. If `b` lies on another node, its row that is missing is the next one to ask for.
base::Result<std::optional<base::Bytes>, TreeDamage> diff(const TreeRows& rows_a, const TreeRoot& a,
                                                          const TreeRows& rows_b, const TreeRoot& b);

}  // namespace troupe::chain
