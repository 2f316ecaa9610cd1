#pragma once
// Keeps a validator from contradicting itself after a crash: its last signed contents, and its lock.
//
// Rule    the guard and the whole blocks that it names are saved and synced before anything that it records is sent.
// Order   by fork, height, round, step. Contents before the last signed content are refused. For the step of the last
//         signed content, only the same content may be signed again, so that it can be resent.
// Bytes   private to one validator's disk: fields of fixed size, not a canonical form.
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
  older,   ///< a later content was signed
  second,  ///< another content was signed for the same step
};

class Guard {
 public:
  Guard() = default;

  /// Refuses all contents up to and including `height` of `fork`: for a validator whose guard is lost or too old.
  static Guard past(Fork fork, Height height);

  base::Result<void, GuardError> may(const Vote& vote) const;
  base::Result<void, GuardError> may(const Proposal& proposal) const;

  /// Records a content that is about to be signed, with the current lock and valid value. may() must allow it.
  void record(const Vote& vote, const std::optional<Proven>& locked, const std::optional<Proven>& valid);
  void record(const Proposal& proposal, const std::optional<Proven>& locked, const std::optional<Proven>& valid);

  const Place& place() const { return place_; }
  /// The step in which a validator with this guard resumes.
  Step step() const { return precommit_ ? Step::precommit : prevote_ ? Step::prevote : Step::propose; }
  const std::optional<Proven>& locked() const { return locked_; }
  const std::optional<Proven>& valid() const { return valid_; }

  /// The blocks that it names, which must be saved with it as a whole.
  std::set<BlockId> blocks() const;

  /// The contents that were signed in this round.
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

/// At most 250 bytes; the caller stores the whole blocks separately.
base::Bytes encode(const Guard& guard);
/// Returns nullopt unless the bytes are the encoding of a guard that a validator can have.
std::optional<Guard> decode_guard(base::ByteView bytes);

}  // namespace troupe::chain
