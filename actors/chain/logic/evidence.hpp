#pragma once
// Proof that a validator lies: two different contents, signed by it, for one step of one round.
//
// Bytes   canonical Cap'n Proto of `Evidence` in messages/chain.capnp. The two are written in the order of their
//         contents' bytes, however the evidence holds them.
// Source  arXiv 1807.04938, section 2: a correct validator signs one content for each step.
#include <variant>

#include "actors/chain/logic/commit.hpp"

namespace troupe::chain {

struct Evidence {
  template <class Content>
  struct Pair {
    Signed<Content> first, second;
    friend bool operator==(const Pair&, const Pair&) = default;
  };
  std::variant<Pair<Vote>, Pair<Proposal>> pair;

  friend bool operator==(const Evidence&, const Evidence&) = default;
};

enum class EvidenceError : std::uint8_t {
  no_conflict,    ///< not two different contents of one validator for one step
  stranger,       ///< of one that is no validator
  bad_signature,  ///< one of the signatures is not of that validator
};

inline constexpr std::size_t kEvidenceBytesMax = 8 + 8 + 2 * 8 + 2 * kSignedProposalBytesMax;

base::Bytes encode(const Evidence& evidence);
/// Nothing unless the bytes are what encode() gives of a pair in conflict. The lesser content is the first.
std::optional<Evidence> parse_evidence(base::ByteView bytes);

/// Whose lie it says that it proves, and where.
const base::NodeId& accused(const Evidence& evidence);
const Place& place_of(const Evidence& evidence);

/// Whether it proves a lie of a validator of `set`, which is that of its height. Signatures are verified last.
base::Result<void, EvidenceError> verify(const Evidence& evidence, const ChainId& chain, const ValidatorSet& set,
                                         const VerifySignature& verify_signature);

}  // namespace troupe::chain
