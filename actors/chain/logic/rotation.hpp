#pragma once
// Selects the proposers: a weighted rotation in which each validator has turns in proportion to its power.
//
// Source  CometBFT, spec/consensus/proposer-selection.md. At each turn every validator's priority grows by its power.
//         The validator with the highest priority proposes, and its priority falls by the total power.
// Height  begins with priorities from the state; each of its rounds is one turn. The next height begins one turn after
//         this height began, however many rounds it took, so it depends only on the chain.
// Bounds  a height's initial priorities add up to at most one per validator, and differ by at most twice the total
//         power. All arithmetic uses 128-bit integers.
#include "actors/chain/logic/validators.hpp"

namespace troupe::chain {

class Rotation {
 public:
  /// The rotation before the first turn: all priorities are equal.
  explicit Rotation(const ValidatorSet& set) : priorities_(set.size()) {}

  /// Takes the next turn and returns the index of its validator. `set` belongs to this rotation.
  std::size_t turn(const ValidatorSet& set);

  /// Returns the rotation with which the next height begins if this height began with this one. A validator that is new
  /// in `next` waits longest, so that leaving and returning gains nothing.
  Rotation next_height(const ValidatorSet& set, const ValidatorSet& next) const;

  const std::vector<Int128>& priorities() const { return priorities_; }

  friend bool operator==(const Rotation&, const Rotation&) = default;
  friend std::optional<Rotation> parse_rotation(base::ByteView bytes, const ValidatorSet& set);

 private:
  void rescale(const ValidatorSet& set);
  void centre();

  std::vector<Int128> priorities_;  // in the order of the set
};

/// Canonical Cap'n Proto of `Rotation` in messages/chain.capnp.
base::Bytes encode(const Rotation& rotation);
/// Returns nullopt unless the bytes are the canonical encoding of a rotation of `set` within the bounds.
std::optional<Rotation> parse_rotation(base::ByteView bytes, const ValidatorSet& set);

}  // namespace troupe::chain
