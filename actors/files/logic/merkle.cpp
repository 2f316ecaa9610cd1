#include "actors/files/logic/merkle.hpp"

#include <algorithm>
#include <bit>

#include "runtime/base/ensure.hpp"

namespace troupe::files {
namespace {

base::Digest join(const base::Digest& left, const base::Digest& right) {
  return crypto::sha256(left.view(), right.view());
}

std::array<base::Digest, kTreeLevelsMax + 1> zero_roots() {
  std::array<base::Digest, kTreeLevelsMax + 1> roots{};
  for (unsigned level = 1; level <= kTreeLevelsMax; ++level) roots[level] = join(roots[level - 1], roots[level - 1]);
  return roots;
}

}  // namespace

const base::Digest& zero_root(unsigned level) {
  static const auto kRoots = zero_roots();
  base::ensure(level <= kTreeLevelsMax, "a hash tree has at most kTreeLevelsMax levels");
  return kRoots[level];
}

unsigned tree_levels(std::uint64_t leaves) {
  base::ensure(leaves > 0, "a hash tree has at least one leaf");
  return static_cast<unsigned>(std::bit_width(leaves - 1));
}

void TreeFold::add(const base::Digest& node) {
  base::Digest carry = node;
  unsigned level = 0;
  for (; (count_ >> level & 1) != 0; ++level) carry = join(open_[level], carry);
  base::ensure(base_level_ + level < kTreeLevelsMax, "a hash tree stays below kTreeLevelsMax levels");
  open_[level] = carry;
  ++count_;
}

base::Digest TreeFold::finish() {
  const unsigned levels = tree_levels(count_);
  base::Digest right;  // the incomplete subtree at the right edge, once there is one
  bool has_right = false;
  for (unsigned level = 0; level < levels; ++level) {
    const bool has_left = (count_ >> level & 1) != 0;
    if (has_left) {
      right = join(open_[level], has_right ? right : zero_root(base_level_ + level));
    } else if (has_right) {
      right = join(right, zero_root(base_level_ + level));
    }
    has_right = has_right || has_left;
  }
  count_ = 0;
  return has_right ? right : open_[levels];
}

void ChunkHasher::update(base::ByteView piece) {
  while (!piece.empty()) {
    const std::size_t taken = std::min(piece.size(), kLeafBytes - in_leaf_);
    leaf_.update(piece.first(taken));
    in_leaf_ += taken;
    bytes_ += taken;
    piece = piece.subspan(taken);
    if (in_leaf_ == kLeafBytes) close_leaf();
  }
}

ChunkId ChunkHasher::finish() {
  base::ensure(bytes_ > 0, "a chunk has at least one byte");
  if (in_leaf_ > 0) close_leaf();
  bytes_ = 0;
  return {fold_.finish().bytes};
}

void ChunkHasher::close_leaf() {
  fold_.add(leaf_.finish());
  in_leaf_ = 0;
}

ChunkId chunk_id(base::ByteView chunk) {
  ChunkHasher hasher;
  hasher.update(chunk);
  return hasher.finish();
}

base::Digest extend(const base::Digest& root, std::uint64_t bytes, unsigned levels) {
  base::ensure(bytes > 0, "a chunk has at least one byte");
  unsigned level = tree_levels((bytes - 1) / kLeafBytes + 1);
  base::ensure(level <= levels, "a tree is extended, never cut");
  base::Digest out = root;
  for (; level < levels; ++level) out = join(out, zero_root(level));
  return out;
}

}  // namespace troupe::files
