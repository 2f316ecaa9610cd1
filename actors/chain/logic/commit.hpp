#pragma once
// Proof that a block is final: precommits for it, of one round, with more than 2/3 of the power.
//
// Form    votes in the order of the validators' ids, each once; more than needed are welcome.
// Bytes   canonical Cap'n Proto of `Commit` in messages/chain.capnp. In the next block each part is an entry: a
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

  /// What each of its validators has signed.
  Vote vote() const { return {place, Step::precommit, block}; }
  friend bool operator==(const Commit&, const Commit&) = default;
};

inline constexpr std::size_t kCommitHeadBytesMax = 8 + 2 * 8 + 8 + 32;  // pointer, words, pointer, block
inline constexpr std::size_t kCommitVoteBytes = 8 + 2 * 8 + 24 + 64;    // pointers, validator, signature

base::Bytes encode(const Commit& commit);
/// Nothing unless the bytes are what encode() gives of a commit in this form, with at most kValidatorsMax votes.
std::optional<Commit> parse_commit(base::ByteView bytes);
/// As they stand in the next block. Block 1 has none: its parent is the genesis.
std::vector<base::Bytes> commit_entries(const Commit& commit);
/// Nothing unless they are what commit_entries() gives of such a commit.
std::optional<Commit> commit_of(std::span<const base::Bytes> entries);

enum class CommitError : std::uint8_t {
  elsewhere,      ///< of another fork, height or block than it should prove
  stranger,       ///< a vote of one that is no validator
  unordered,      ///< not in the order of ids, or one appears twice
  too_little,     ///< 2/3 of the power or less
  bad_signature,  ///< one of the signatures is not of its validator
};

/// Whether `signature` is one of `bytes` by `key`.
using VerifySignature =
    std::function<bool(const base::PublicKey& key, base::ByteView bytes, const crypto::Signature& signature)>;

/// What a commit should prove.
struct Wanted {
  Fork fork;
  Height height;
  BlockId block;
};

/// Whether `commit` proves that block by the validators of its height. Power is counted before signatures are verified.
base::Result<void, CommitError> verify_commit(const ChainId& chain, const ValidatorSet& set, const Wanted& wanted,
                                              const Commit& commit, const VerifySignature& verify);

}  // namespace troupe::chain
