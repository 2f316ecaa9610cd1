#pragma once
// The messages of validators, and the bytes that they sign. A content is a vote or proposal without its signature.
//
// Bytes   canonical Cap'n Proto of `Vote`, `Proposal`, `SignedVote` and `SignedProposal` in messages/chain.capnp.
// Signed  domain || chain || fork || encode(content) (authority.hpp).
// Read    parse_…() return nullopt unless the bytes are the canonical encoding. The receiver checks whether a content
//         makes sense (consensus.hpp).
// Who     a content does not name its validator. Signed names the validator whose signature was verified.
#include <optional>

#include "actors/chain/logic/ids.hpp"
#include "actors/chain/logic/place.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/crypto/keys.hpp"

namespace troupe::chain {

/// The choice of a vote: a block, or nil (no block).
using Choice = std::optional<BlockId>;

struct Vote {
  Place place;
  Step step = Step::prevote;  ///< prevote or precommit
  Choice choice{};

  friend bool operator==(const Vote&, const Vote&) = default;
};

struct Proposal {
  Place place;
  std::optional<Round> valid_round{};  ///< the round in which the block got a quorum of prevotes; before place.round
  BlockId block;
  UnixMs time{};  ///< of the block; 0 to kTimeMax

  friend bool operator==(const Proposal&, const Proposal&) = default;
};

/// In the year 2242: sums with the durations of times.hpp stay far below the maximum of UnixMs.
inline constexpr UnixMs kTimeMax{(std::int64_t{1} << 33) * 1'000};

/// A content with a validator's signature. Callers verify the signature before they pass it to logic.
template <class Content>
struct Signed {
  Content content;
  base::NodeId validator;
  crypto::Signature signature{};

  friend bool operator==(const Signed&, const Signed&) = default;
};
using SignedVote = Signed<Vote>;
using SignedProposal = Signed<Proposal>;

// Pointer, words, pointer, block; then pointers, content, validator, signature.
inline constexpr std::size_t kVoteBytesMax = 8 + 3 * 8 + 8 + 32;
inline constexpr std::size_t kProposalBytesMax = 8 + 4 * 8 + 8 + 32;
inline constexpr std::size_t kSignedVoteBytesMax = 8 + 3 * 8 + kVoteBytesMax + 24 + 64;
inline constexpr std::size_t kSignedProposalBytesMax = kSignedVoteBytesMax - kVoteBytesMax + kProposalBytesMax;

base::Bytes encode(const Vote& vote);
base::Bytes encode(const Proposal& proposal);
base::Bytes encode(const SignedVote& vote);
base::Bytes encode(const SignedProposal& proposal);
std::optional<Vote> parse_vote(base::ByteView bytes);
std::optional<Proposal> parse_proposal(base::ByteView bytes);
std::optional<SignedVote> parse_signed_vote(base::ByteView bytes);
std::optional<SignedProposal> parse_signed_proposal(base::ByteView bytes);

/// The bytes that a validator signs.
base::Bytes signed_bytes(const ChainId& chain, const Vote& vote);
base::Bytes signed_bytes(const ChainId& chain, const Proposal& proposal);

}  // namespace troupe::chain
