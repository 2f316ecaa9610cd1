#pragma once
// Proofs that the state has a key with a value, or lacks a key. Checking a proof takes only a root, not the tree.
//
// Source  ICS-23 `SmtSpec` since v0.10 (cosmos/ics23, go/proof.go): the proofs are its ExistenceProof and
//         NonExistenceProof. ICS-23 has no proof of the empty tree; here its root of zeros proves it.
// Leaf    its operation is always the same, and is not stored: `{hash: SHA256, prehash_key: SHA256, prehash_value:
//         SHA256, length: NO_PREFIX, prefix: 00}` in ICS-23's JSON. The `hash` of each step is SHA256.
// Rules   a step is 01 || sibling || child or 01 || child || sibling. In addition to ICS-23, each step must follow the
//         bits of SHA-256(key), so that a leaf counts only at its own position.
// Limits  kProofStepsMax steps.
#include <optional>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::chain {

inline constexpr std::size_t kProofStepsMax = 256;  // MaxDepth of SmtSpec

/// An inner node between leaf and root: SHA-256(prefix || hash of the child || suffix).
struct ProofStep {
  base::Bytes prefix;
  base::Bytes suffix;
  friend bool operator==(const ProofStep&, const ProofStep&) = default;
};

struct ExistenceProof {
  base::Bytes key;
  base::Bytes value;
  std::vector<ProofStep> path;  ///< from the leaf to the root
  friend bool operator==(const ExistenceProof&, const ExistenceProof&) = default;
};

/// The key would be between two neighbours. One neighbour is missing if the key would be the first or the last.
struct NonexistenceProof {
  base::Bytes key;
  std::optional<ExistenceProof> left;
  std::optional<ExistenceProof> right;
  friend bool operator==(const NonexistenceProof&, const NonexistenceProof&) = default;
};

/// Exactly one of the two is set.
struct TreeProof {
  std::optional<ExistenceProof> exist;
  std::optional<NonexistenceProof> nonexist;
  friend bool operator==(const TreeProof&, const TreeProof&) = default;
};

/// Whether the state of `root` has the proof's key and value. The caller checks that these are the expected ones.
bool proves(const ExistenceProof& proof, const base::Digest& root);
/// Whether the state of `root` does not have the proof's key.
bool proves(const NonexistenceProof& proof, const base::Digest& root);

}  // namespace troupe::chain
