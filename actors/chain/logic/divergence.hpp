#pragma once
// Two commits for different blocks of one height: more than a third of the power has signed both.
//
// Proof    if both commits have the same round, evidence proves that each signer of both is malicious. Otherwise a
//          signer of both is only a suspect, because proof would need locks that are forgotten.
// Bytes    private to one node's disk, in a row.
#include "actors/chain/logic/evidence.hpp"

namespace troupe::chain {

struct Divergence {
  Commit ours, theirs;

  Height height() const { return ours.place.height; }
  friend bool operator==(const Divergence&, const Divergence&) = default;
};

/// Returns nullopt unless both have the same fork and height but different blocks. Does not verify them.
std::optional<Divergence> divergence_of(const Commit& ours, const Commit& theirs);

/// Returns the validators that signed both, sorted by id.
std::vector<base::NodeId> suspects_of(const Divergence& divergence);
/// Returns evidence against each validator that signed both in one round.
std::vector<Evidence> evidence_of(const Divergence& divergence);

base::Bytes encode(const Divergence& divergence);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<Divergence> decode_divergence(base::ByteView bytes);

}  // namespace troupe::chain
