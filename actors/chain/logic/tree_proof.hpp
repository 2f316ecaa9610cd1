#pragma once
// Proofs that the state has a key with a value, or does not have a key. Checked without the tree: from a root alone.
//
// Source  ICS-23 `SmtSpec` since v0.10 (cosmos/ics23, go/proof.go): the proofs are its ExistenceProof and
//         NonExistenceProof. The empty tree, of which ICS-23 has no proof, is proven by its root of zeros alone.
// Leaf    its operation is always the same, and is not stored: `{hash: SHA256, prehash_key: SHA256, prehash_value:
//         SHA256, length: NO_PREFIX, prefix: 00}` in ICS-23's JSON. The `hash` of each step is SHA256.
// Rules   a step is 01 || sibling || child or 01 || child || sibling. Beyond ICS-23, each step has to go the way that
//         the bits of SHA-256(key) say, so that a leaf counts at its own place only.
// Limits  kProofStepsMax steps.
#include <optional>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::chain {

inline constexpr std::size_t kProofStepsMax = 256;  // MaxDepth of SmtSpec

/// An inner node on the way up: SHA-256(prefix || hash of the child || suffix).
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

/// The key would stand between two neighbours; one of them is missing if it would be the first or the last.
struct NonexistenceProof {
  base::Bytes key;
  std::optional<ExistenceProof> left;
  std::optional<ExistenceProof> right;
  friend bool operator==(const NonexistenceProof&, const NonexistenceProof&) = default;
};

/// One of the two.
struct TreeProof {
  std::optional<ExistenceProof> exist;
  std::optional<NonexistenceProof> nonexist;
  friend bool operator==(const TreeProof&, const TreeProof&) = default;
};

/// Whether the state of `root` has the proof's key with the proof's value. The caller compares these with its own.
bool proves(const ExistenceProof& proof, const base::Digest& root);
/// Whether the state of `root` does not have the proof's key.
bool proves(const NonexistenceProof& proof, const base::Digest& root);

}  // namespace troupe::chain
