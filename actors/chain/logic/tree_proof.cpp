#include "actors/chain/logic/tree_proof.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::chain {
namespace {

using ProofSteps = std::vector<ProofStep>;

constexpr std::size_t kChildBytes = 32;
constexpr std::uint8_t kInnerMark = 1;

bool well_formed(const ProofStep& step) {
  const bool left = step.prefix.size() == 1 && step.suffix.size() == kChildBytes;
  const bool right = step.prefix.size() == 1 + kChildBytes && step.suffix.empty();
  return (left || right) && step.prefix.front() == kInnerMark;
}

/// Whether the child is the right child of its node.
bool is_right(const ProofStep& step) { return step.suffix.empty(); }

bool sibling_empty(const ProofStep& step) {
  const base::ByteView sibling = is_right(step) ? base::ByteView(step.prefix).subspan(1) : base::ByteView(step.suffix);
  return std::ranges::all_of(sibling, [](std::uint8_t byte) { return byte == 0; });
}

base::Digest key_hash(const base::Bytes& key) { return crypto::sha256(key); }

bool path_bit(const base::Digest& hash, std::size_t at) { return (hash.bytes[at / 8] >> (7 - at % 8) & 1) != 0; }

/// Returns the step at that depth, counted from the root.
const ProofStep& from_root(const ProofSteps& path, std::size_t depth) { return path[path.size() - 1 - depth]; }

/// Whether there is nothing to the right (or left) of the leaf below the first `depth` steps.
bool outermost(const ProofSteps& path, std::size_t depth, bool right) {
  for (std::size_t i = depth; i < path.size(); ++i) {
    const ProofStep& step = from_root(path, i);
    if (is_right(step) != right && !sibling_empty(step)) return false;
  }
  return true;
}

bool neighbours(const ProofSteps& left, const ProofSteps& right) {
  std::size_t depth = 0;
  while (depth < left.size() && depth < right.size() && from_root(left, depth) == from_root(right, depth)) ++depth;
  if (depth == left.size() || depth == right.size()) return false;
  if (is_right(from_root(left, depth)) || !is_right(from_root(right, depth))) return false;
  return outermost(left, depth + 1, true) && outermost(right, depth + 1, false);
}

}  // namespace

bool proves(const ExistenceProof& proof, const base::Digest& root) {
  if (proof.key.empty() || proof.value.empty() || proof.path.size() > kProofStepsMax) return false;
  if (!std::ranges::all_of(proof.path, well_formed)) return false;
  const base::Digest place = key_hash(proof.key);
  for (std::size_t depth = 0; depth < proof.path.size(); ++depth)
    if (is_right(from_root(proof.path, depth)) != path_bit(place, depth)) return false;
  base::Bytes leaf{0};
  base::append(leaf, place.view());
  base::append(leaf, crypto::sha256(proof.value).view());
  base::Digest hash = crypto::sha256(leaf);
  for (const ProofStep& step : proof.path) hash = crypto::sha256(step.prefix, hash.view(), step.suffix);
  return hash == root;
}

bool proves(const NonexistenceProof& proof, const base::Digest& root) {
  if (proof.key.empty()) return false;
  const base::Digest place = key_hash(proof.key);
  if (proof.left && !(proves(*proof.left, root) && key_hash(proof.left->key) < place)) return false;
  if (proof.right && !(proves(*proof.right, root) && place < key_hash(proof.right->key))) return false;
  if (proof.left && proof.right) return neighbours(proof.left->path, proof.right->path);
  if (proof.left) return outermost(proof.left->path, 0, true);
  if (proof.right) return outermost(proof.right->path, 0, false);
  return root == base::Digest{};
}

}  // namespace troupe::chain
