#pragma once
// Two commits of one height for different blocks: more than a third of the power has signed both.
//
// Proof    of one round: each that signed both is proven to lie, by evidence. Of different rounds: a validator that
//          signed both is a suspect, because only the locks that it has forgotten would show the lie.
// Bytes    private to the disk of one node, in a row.
#include "actors/chain/logic/evidence.hpp"

namespace troupe::chain {

struct Divergence {
  Commit ours, theirs;

  Height height() const { return ours.place.height; }
  friend bool operator==(const Divergence&, const Divergence&) = default;
};

/// Nothing unless they are of one fork and height, and of different blocks. Whether they prove anything is not asked.
std::optional<Divergence> divergence_of(const Commit& ours, const Commit& theirs);

/// Those that signed both, by rising id.
std::vector<base::NodeId> suspects_of(const Divergence& divergence);
/// Of each that signed both in one round.
std::vector<Evidence> evidence_of(const Divergence& divergence);

base::Bytes encode(const Divergence& divergence);
/// Nothing unless the bytes are what encode() gives.
std::optional<Divergence> decode_divergence(base::ByteView bytes);

}  // namespace troupe::chain
