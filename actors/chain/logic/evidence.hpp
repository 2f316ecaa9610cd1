#pragma once
// Proof that a validator is malicious: two different contents that it signed for one step of one round.
//
// Bytes   canonical Cap'n Proto of `Evidence` in messages/chain.capnp. The two contents are encoded in the order of
//         their bytes, whatever their order in memory.
// Block   one piece of evidence per accused validator, sorted by its id. The validator is out two heights later
//         (machine.hpp). It is judged only once: the state keeps Judged.
// Keys    a validator keeps its key, so the set of the block's height also verifies evidence of an earlier height.
// Source  arXiv 1807.04938, section 2: a correct validator signs one content for each step.
#include <set>
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
  stranger,       ///< the accused is not a validator
  bad_signature,  ///< a signature does not belong to that validator
  // For evidence in blocks only:
  malformed,  ///< an entry is not the canonical encoding of a conflicting pair
  elsewhere,  ///< its height is too old, or above the block's
  unordered,  ///< not sorted by id of the accused, or an id appears twice
  judged,     ///< an earlier block has judged the accused
};

inline constexpr std::uint64_t kEvidenceHeights = 1'000;  // our choice: as long as states are kept
inline constexpr std::size_t kEvidenceBytesMax = 8 + 8 + 2 * 8 + 2 * kSignedProposalBytesMax;

base::Bytes encode(const Evidence& evidence);
/// Returns nullopt unless the bytes are the canonical encoding of a conflicting pair. The content with the lesser bytes
/// comes first.
std::optional<Evidence> parse_evidence(base::ByteView bytes);

/// Returns the validator that the evidence accuses.
const base::NodeId& accused(const Evidence& evidence);
const Place& place_of(const Evidence& evidence);

/// Checks that it convicts a validator of `set`, the set of its height. Verifies signatures last.
base::Result<void, EvidenceError> verify(const Evidence& evidence, const ChainId& chain, const ValidatorSet& set,
                                         const VerifySignature& verify_signature);

/// The data that decides which evidence a block may contain.
struct EvidenceView {
  Height height;  ///< of the block
  const ValidatorSet& validators;
  const ValidatorSet& next_validators;
  const std::set<base::NodeId>& judged;  ///< the validators that earlier blocks have judged
};

/// Decodes and checks the entries of a block. Verifies signatures last.
base::Result<std::vector<Evidence>, EvidenceError> judge_evidence(std::span<const base::Bytes> entries,
                                                                  const EvidenceView& view, const ChainId& chain,
                                                                  const VerifySignature& verify_signature);

/// Returns the entries for a block, from verified evidence in any order. They take at most the list's share of
/// `block_bytes`.
std::vector<base::Bytes> evidence_for(const std::vector<Evidence>& held, const EvidenceView& view,
                                      std::size_t block_bytes);

/// The state's record of evidence, for each convicted validator. Canonical Cap'n Proto of `Judged`.
struct Judged {
  Height height;          ///< of the block that contains it
  base::Digest evidence;  ///< SHA-256 of its bytes
  friend bool operator==(const Judged&, const Judged&) = default;
};
base::Bytes encode(const Judged& judged);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<Judged> parse_judged(base::ByteView bytes);

}  // namespace troupe::chain
