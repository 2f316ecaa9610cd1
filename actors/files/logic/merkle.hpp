#pragma once
// The hash tree over a chunk's bytes, and over the chunks of a file.
//
// Source  BEP 52 "The BitTorrent Protocol Specification v2": 16 KiB blocks, SHA-256, balanced binary tree.
// Leaves  SHA-256 of one 16 KiB block; the last block may be shorter and is not padded. Leaves that are missing to the
//         next power of two are 32 zero bytes.
// Nodes   SHA-256(left || right). A root names bytes only with their number, because a node looks like a leaf.
// File    the root of one chunk, or of full chunks; the last chunk's tree is extended to full size with zero leaves,
//         and so are the chunks missing to a power of two. An empty file has no tree.
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

/// The root of `2^level` zero leaves.
const base::Digest& zero_root(unsigned level);

/// The levels of nodes above `leaves` leaves: the smallest n with 2^n >= leaves. `leaves` is at least 1.
unsigned tree_levels(std::uint64_t leaves);

/// Folds nodes of one level, given from left to right, into the root of the balanced tree above them.
/// Keeps one node a level, however many are added.
class TreeFold {
 public:
  /// `level` is that of the nodes to come above the leaves: 0 for leaves, 6 for chunks of 1 MiB.
  explicit TreeFold(unsigned level) : base_level_(level) {}

  void add(const base::Digest& node);

  /// The root, missing nodes taken as trees of zero leaves; at least one node was added. Starts anew afterwards.
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

  /// The root of what was given since the last finish, at least one byte. Starts anew afterwards.
  ChunkId finish();

 private:
  void close_leaf();

  crypto::Sha256 leaf_;
  TreeFold fold_{0};
  std::size_t in_leaf_ = 0;
  std::uint64_t bytes_ = 0;
};

/// The root of one chunk of at least one byte.
ChunkId chunk_id(base::ByteView chunk);

/// The root of a tree over `bytes` (at least 1), extended on the right with zero leaves to `levels` levels.
/// `levels` is at least tree_levels of its own leaves.
base::Digest extend(const base::Digest& root, std::uint64_t bytes, unsigned levels);

}  // namespace troupe::files
