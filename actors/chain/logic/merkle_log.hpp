#pragma once
// A Merkle tree over a list of byte strings. Proves that an entry is in the list, and at which index.
//
// Source  RFC 6962, 2.1 (tree hash) and 2.1.1 (audit path), with SHA-256. Leaf: SHA-256(00 || bytes). Node: SHA-256(01
//         || left || right). The size of a tree's left part is the largest power of two below the size of the tree.
//         Empty list: SHA-256 of zero bytes.
// Check   RFC 9162, 2.1.3.2: index and size determine how the path is consumed, so both must be right.
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::chain {

inline constexpr std::size_t kLogLevelsMax = 64;  // sizes are 64-bit

using LogEntries = std::span<const base::Bytes>;

base::Digest log_leaf(base::ByteView entry);
base::Digest log_root(LogEntries entries);

/// Returns the siblings from the leaf to the root. `index` must be below the number of entries (invariant).
std::vector<base::Digest> audit_path(LogEntries entries, std::size_t index);

/// Whether `entry` is at `index` in a list of `size` entries with this root.
bool in_log(base::ByteView entry, std::uint64_t index, std::uint64_t size, std::span<const base::Digest> path,
            const base::Digest& root);

/// An append-only list, of which only the hashes at its right edge are kept: enough to append and to compute the root.
class Frontier {
 public:
  void append(base::ByteView entry);
  base::Digest root() const;
  std::uint64_t size() const { return size_; }

  /// Size (8, little-endian), then the roots of its complete subtrees, largest first: one for each bit set in the size.
  base::Bytes encode() const;
  /// Returns nullopt unless the bytes are the canonical encoding.
  static std::optional<Frontier> decode(base::ByteView bytes);

  friend bool operator==(const Frontier&, const Frontier&) = default;

 private:
  std::uint64_t size_ = 0;
  std::vector<base::Digest> whole_;  // the roots of complete subtrees, largest first
};

}  // namespace troupe::chain
