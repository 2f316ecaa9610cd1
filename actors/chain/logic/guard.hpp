#pragma once
// What keeps a validator from contradicting itself after a crash: the last things that it signed, and its lock.
//
// Rule    the guard is saved and synced before what it has recorded leaves, and with it the whole blocks that it names.
// Order   by fork, height, round, step. What comes before the last content signed is refused; in its place only the
//         same content is signed again, so that it can be sent again.
// Bytes   are private to the disk of one validator: fields of fixed size, not a canonical form.
// Source  arXiv 1807.04938, section 3: lockedValue, lockedRound, validValue, validRound of Algorithm 1.
#include <set>

#include "actors/chain/logic/vote.hpp"
#include "runtime/base/result.hpp"

namespace troupe::chain {

/// A block, and the round in which it got a quorum of prevotes.
struct Proven {
  Round round;
  BlockId block;

  friend bool operator==(const Proven&, const Proven&) = default;
};

enum class GuardError : std::uint8_t {
  older,   ///< something later was signed
  second,  ///< another content was signed for the same step
};

class Guard {
 public:
  Guard() = default;

  /// Refuses all up to and including `height` of `fork`: for a validator whose guard was lost or is too old.
  static Guard past(Fork fork, Height height);

  base::Result<void, GuardError> may(const Vote& vote) const;
  base::Result<void, GuardError> may(const Proposal& proposal) const;

  /// Records what is about to be signed, with the lock and the valid value at that moment. It may() be signed.
  void record(const Vote& vote, const std::optional<Proven>& locked, const std::optional<Proven>& valid);
  void record(const Proposal& proposal, const std::optional<Proven>& locked, const std::optional<Proven>& valid);

  const Place& place() const { return place_; }
  /// The step in which a validator goes on that starts from here.
  Step step() const { return precommit_ ? Step::precommit : prevote_ ? Step::prevote : Step::propose; }
  const std::optional<Proven>& locked() const { return locked_; }
  const std::optional<Proven>& valid() const { return valid_; }

  /// The blocks that it names: they are saved with it, as a whole.
  std::set<BlockId> blocks() const;

  /// What was signed in this round.
  const std::optional<Proposal>& proposal() const { return proposal_; }
  std::optional<Vote> vote(Step step) const;

  friend bool operator==(const Guard&, const Guard&) = default;
  friend base::Bytes encode(const Guard& guard);
  friend std::optional<Guard> decode_guard(base::ByteView bytes);

 private:
  bool consistent() const;
  void enter(const Place& place, const std::optional<Proven>& locked, const std::optional<Proven>& valid);

  Place place_;
  std::optional<Proven> locked_, valid_;
  std::optional<Proposal> proposal_;
  std::optional<Choice> prevote_, precommit_;
};

/// At most 250 bytes; the whole blocks are stored beside it by the caller.
base::Bytes encode(const Guard& guard);
/// Nothing unless the bytes are what encode() gives of a guard that a validator can have.
std::optional<Guard> decode_guard(base::ByteView bytes);

}  // namespace troupe::chain
