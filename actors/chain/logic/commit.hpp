#pragma once
// Proof that a block is final: precommits for it in one round, with more than 2/3 of the power.
//
// Form    at most one vote per validator, sorted by validator id; more votes than needed are allowed.
// Bytes   canonical Cap'n Proto of `Commit` in messages/chain.capnp. The next block has one entry per part: a
//         `CommitHead`, then each `CommitVote`.
// Source  arXiv 1807.04938, Algorithm 1, line 49.
#include <functional>
#include <span>

#include "actors/chain/logic/validators.hpp"
#include "actors/chain/logic/vote.hpp"

namespace troupe::chain {

struct CommitVote {
  base::NodeId validator;
  crypto::Signature signature{};

  friend bool operator==(const CommitVote&, const CommitVote&) = default;
};

struct Commit {
  Place place;
  BlockId block;
  std::vector<CommitVote> votes{};

  /// The content that each of its validators has signed.
  Vote vote() const { return {place, Step::precommit, block}; }
  friend bool operator==(const Commit&, const Commit&) = default;
};

inline constexpr std::size_t kCommitHeadBytesMax = 8 + 2 * 8 + 8 + 32;  // pointer, words, pointer, block
inline constexpr std::size_t kCommitVoteBytes = 8 + 2 * 8 + 24 + 64;    // pointers, validator, signature

base::Bytes encode(const Commit& commit);
/// Returns nullopt unless the bytes are the canonical encoding of such a commit, with at most kValidatorsMax votes.
std::optional<Commit> parse_commit(base::ByteView bytes);
/// Returns the entries for the next block. Block 1 has none, because its parent is the genesis.
std::vector<base::Bytes> commit_entries(const Commit& commit);
/// Returns nullopt unless the entries are the output of commit_entries() for such a commit.
std::optional<Commit> commit_of(std::span<const base::Bytes> entries);

enum class CommitError : std::uint8_t {
  elsewhere,      ///< another fork, height or block than wanted
  stranger,       ///< a vote from a node that is not a validator
  unordered,      ///< not sorted by id, or an id appears twice
  too_little,     ///< at most 2/3 of the power
  bad_signature,  ///< a signature does not belong to its validator
};

/// Whether `signature` is a signature of `bytes` by `key`.
using VerifySignature =
    std::function<bool(const base::PublicKey& key, base::ByteView bytes, const crypto::Signature& signature)>;

/// The block that a commit should prove.
struct Wanted {
  Fork fork;
  Height height;
  BlockId block;
};

/// Checks that `commit` proves the block for this validator set. Counts power before it verifies signatures.
base::Result<void, CommitError> verify_commit(const ChainId& chain, const ValidatorSet& set, const Wanted& wanted,
                                              const Commit& commit, const VerifySignature& verify);

}  // namespace troupe::chain
