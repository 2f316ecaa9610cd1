#pragma once
// The hash tree over a chunk's bytes, and over the chunks of a file.
//
// Source  BEP 52 "The BitTorrent Protocol Specification v2": 16 KiB blocks, SHA-256, balanced binary tree.
// Leaves  SHA-256 of one 16 KiB block; the last block may be shorter and is not padded. Missing leaves up to the next
//         power of two are 32 zero bytes.
// Nodes   SHA-256(left || right). A root identifies bytes only together with their length, because inner nodes look
//         like leaves.
// File    the root of one chunk, or of full chunks. The last chunk's tree is extended to full size with zero leaves,
//         and missing chunks up to a power of two are zero leaves, too. An empty file has no tree.
// Cost    a ChunkHasher allocates one hash state when it is made. Not thread-safe.
#include <array>
#include <cstddef>
#include <cstdint>

#include "actors/files/api.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::files {

inline constexpr std::size_t kLeafBytes = 16 * 1024;  // BEP 52: "blocks of 16 KiB"
inline constexpr unsigned kTreeLevelsMax = 40;        // our choice: 2^40 leaves are 16 PiB, beyond any manifest

/// Returns the root of `2^level` zero leaves.
const base::Digest& zero_root(unsigned level);

/// Returns the number of node levels above `leaves` leaves: the smallest n with 2^n >= leaves. `leaves` is at least 1.
unsigned tree_levels(std::uint64_t leaves);

/// Folds nodes of one level, given from left to right, into the root of the balanced tree above them. Keeps one node
/// per level, for any number of nodes.
class TreeFold {
 public:
  /// `level` is the nodes' level above the leaves: 0 for leaves, 6 for chunks of 1 MiB.
  explicit TreeFold(unsigned level) : base_level_(level) {}

  void add(const base::Digest& node);

  /// Returns the root, with missing nodes as trees of zero leaves. At least one node was added. Then starts again.
  base::Digest finish();

 private:
  unsigned base_level_;
  std::uint64_t count_ = 0;                          // bit n set: open_[n] waits for its right sibling
  std::array<base::Digest, kTreeLevelsMax> open_{};  // index: levels above base_level_
};

/// Hashes one chunk after another, from pieces of any size.
class ChunkHasher {
 public:
  void update(base::ByteView piece);

  /// Returns the root of the bytes since the last finish, at least one. Then starts again.
  ChunkId finish();

 private:
  void close_leaf();

  crypto::Sha256 leaf_;
  TreeFold fold_{0};
  std::size_t in_leaf_ = 0;
  std::uint64_t bytes_ = 0;
};

/// Returns the root of one chunk of at least one byte.
ChunkId chunk_id(base::ByteView chunk);

/// Returns the root of a tree over `bytes` (at least 1), extended on the right with zero leaves to `levels` levels.
/// `levels` is at least tree_levels of its own leaves.
base::Digest extend(const base::Digest& root, std::uint64_t bytes, unsigned levels);

}  // namespace troupe::files
