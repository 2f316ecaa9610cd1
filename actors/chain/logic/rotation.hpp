#pragma once
// Whose turn it is to propose: a weighted rotation, in which each has turns in proportion to its power.
//
// Source  CometBFT, spec/consensus/proposer-selection.md. At each turn every validator gains its power in priority; the
//         one with the highest priority proposes, and pays the power of all.
// Height  begins with priorities that are a part of the state; each round of it is one turn. The next height begins
//         one turn after the last one began, however many rounds that took: this follows from the chain alone.
// Bounds  the priorities of a height's start add up to at most one a validator, and differ by at most twice the power
//         of all. All is in integers of 128 bits.
#include "actors/chain/logic/validators.hpp"

namespace troupe::chain {

class Rotation {
 public:
  /// Before the first turn: all are equal.
  explicit Rotation(const ValidatorSet& set) : priorities_(set.size()) {}

  /// Takes the next turn, and says which validator (by its index) has it. `set` is that of this rotation.
  std::size_t turn(const ValidatorSet& set);

  /// What the next height begins with, if this one began with this rotation. A validator that is new in `next` waits
  /// longest: a validator that leaves and comes back gains nothing.
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
/// Nothing unless the bytes are what encode() gives of a rotation of `set`, within the bounds.
std::optional<Rotation> parse_rotation(base::ByteView bytes, const ValidatorSet& set);

}  // namespace troupe::chain
