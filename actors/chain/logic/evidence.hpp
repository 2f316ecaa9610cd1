#pragma once
// Proof that a validator lies: two different contents, signed by it, for one step of one round.
//
// Bytes   canonical Cap'n Proto of `Evidence` in messages/chain.capnp. The two are written in the order of their
//         contents' bytes, however the evidence holds them.
// Block   evidence stands in it by rising id of the accused, one piece for each. Its validator is out two heights later
//         (machine.hpp), and is judged once: the state keeps Judged.
// Keys    a validator keeps its key, so evidence of an earlier height is judged by the set of the block's height.
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
  stranger,       ///< of one that is no validator
  bad_signature,  ///< one of the signatures is not of that validator
  // Of those in blocks alone:
  malformed,  ///< an entry is not the one encoding of a pair in conflict
  elsewhere,  ///< of a height that is too old, or later than the block's
  unordered,  ///< not by rising id of the accused, or one of them appears twice
  judged,     ///< the accused was judged by an earlier block
};

inline constexpr std::uint64_t kEvidenceHeights = 1'000;  // our choice: as long as states are kept
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

/// What decides whether a block may have a piece of evidence.
struct EvidenceView {
  Height height;  ///< of the block
  const ValidatorSet& validators;
  const ValidatorSet& next_validators;
  const std::set<base::NodeId>& judged;  ///< those of the validators that earlier blocks have judged
};

/// What the entries of a block say. Signatures are verified last.
base::Result<std::vector<Evidence>, EvidenceError> judge_evidence(std::span<const base::Bytes> entries,
                                                                  const EvidenceView& view, const ChainId& chain,
                                                                  const VerifySignature& verify_signature);

/// The entries of a block out of verified evidence in any order. At most the share of a block of `block_bytes`.
std::vector<base::Bytes> evidence_for(const std::vector<Evidence>& held, const EvidenceView& view,
                                      std::size_t block_bytes);

/// What the state keeps of evidence, for each validator that it proved to lie. Canonical Cap'n Proto of `Judged`.
struct Judged {
  Height height;          ///< of the block that had it
  base::Digest evidence;  ///< SHA-256 of its bytes
  friend bool operator==(const Judged&, const Judged&) = default;
};
base::Bytes encode(const Judged& judged);
/// Nothing unless the bytes are what encode() gives.
std::optional<Judged> parse_judged(base::ByteView bytes);

}  // namespace troupe::chain
