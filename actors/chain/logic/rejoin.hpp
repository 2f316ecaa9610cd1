#pragma once
// Decides when a validator may sign after its start: once the others have sent it its latest content that they know.
//
// Why     a data directory restored from a backup has an old guard. It may allow contents that contradict later ones.
// States  asking: too few have responded. free: over 2/3 of the power, this validator included, know nothing that the
//         guard does not. waiting: a later content was shown; the guard may be passed `wait` after validators with at
//         least 2/3 of the power have responded and do not wait. stuck: over 1/3 wait, this validator included; then a
//         person releases each, after all have responded.
// Blocks  are fetched first: their commits may have signatures of this validator that other nodes have forgotten.
// Trust   only a content with this validator's signature, which the caller has verified, shows anything. A malicious
//         validator can only conceal what it knows.
// Limits  one response and one content per validator of the latest set.
// Time    monotonic, given by the caller. Reads no clock and sends nothing.
#include <map>
#include <variant>

#include "actors/chain/logic/guard.hpp"
#include "actors/chain/logic/validators.hpp"
#include "runtime/base/time.hpp"

namespace troupe::chain {

using SignedContent = std::variant<SignedVote, SignedProposal>;

/// The position of a content; a validator signs contents in this order.
struct Moment {
  Place place;
  Step step = Step::propose;

  friend auto operator<=>(const Moment&, const Moment&) = default;
};
Moment moment_of(const SignedContent& content);
const base::NodeId& validator_of(const SignedContent& content);

/// Whether this content of the guard's own validator proves that the guard has missed a signature.
bool unknown_to(const Guard& guard, const SignedContent& content);

/// The latest verified content of each validator, which that validator requests at its start.
class LatestContents {
 public:
  /// Whether the content is later than the known content of its validator.
  bool news(const SignedContent& content) const;
  /// Takes a content that the caller has verified to be from a validator of the set. Ignored unless it is news().
  void hear(const SignedContent& content);
  /// Returns null if nothing is known. Valid until the next change.
  const SignedContent* of(const base::NodeId& validator) const;
  /// Forgets validators that are not in the set.
  void keep(const ValidatorSet& set);
  std::size_t size() const { return latest_.size(); }

 private:
  std::map<base::NodeId, SignedContent> latest_;
};

enum class RejoinState : std::uint8_t { asking, free, waiting, stuck };

enum class ReleaseError : std::uint8_t {
  free,     ///< the validator is not waiting
  unheard,  ///< some validators have not responded; see unheard()
  low,      ///< at or below the head, or the highest height shown; release_from() is the least
  high,     ///< over kReleaseAheadMax above the least: the validator would stay silent for long, and a release is hard
            ///< to undo
};

class Rejoin {
 public:
  static constexpr std::uint64_t kReleaseAheadMax = 1'000;  // our choice, heights

  /// `guard`: the guard at the start.
  Rejoin(const base::NodeId& self, std::shared_ptr<const ValidatorSet> set, const Guard& guard, base::Duration wait,
         base::Instant now);

  /// Sets the validators of the next height.
  void validators_are(std::shared_ptr<const ValidatorSet> set, base::Instant now);
  struct Answer {
    bool waits = false;  ///< it waits too; its response does not count until it stops waiting
    Height head{};       ///< its latest block
  };
  /// Takes a response from another validator. It replaces that validator's earlier response.
  void hear(const base::NodeId& validator, const Answer& answer, base::Instant now);
  /// Sets the height of this node's latest block.
  void head_is(Height head, base::Instant now);
  /// Takes a verified content of this validator, from any source. Ignored once the validator is free.
  void show(const SignedContent& own, base::Instant now);
  /// The guard durably refuses everything up to last(): the validator is free.
  void passed() { free_ = true; }

  RejoinState state() const;
  /// Whether a content was shown that the guard does not know.
  bool behind() const { return !free_ && last_.has_value(); }
  /// Whether to ask that validator, for the first time or again.
  bool asks(const base::NodeId& validator) const;
  /// Whether the guard may be passed now, without a person.
  bool over(base::Instant now) const { return state() == RejoinState::waiting && caught_up() && due_ && now >= *due_; }
  /// Returns the time from which the guard may be passed, or nullopt while too few have responded.
  std::optional<base::Instant> due() const { return state() == RejoinState::waiting ? due_ : std::nullopt; }
  /// Fork and height of the latest content shown. behind() must be true.
  const Place& last() const { return *last_; }

  /// Returns the height that validators with over 1/3 of the power claim to have, so that at least one correct
  /// validator has it.
  Height others_have() const;
  bool caught_up() const { return head_ >= others_have(); }

  std::uint64_t power() const { return set_->power(); }
  /// The power of the validators that have responded and do not wait; includes this validator unless it is behind().
  std::uint64_t heard_power() const;
  /// The power of the waiting validators; includes this validator if it is behind().
  std::uint64_t waiting_power() const;
  std::vector<base::NodeId> unheard() const;
  /// Returns the lowest height from which a person may let the validator sign.
  Height release_from(Height head) const;
  base::Result<void, ReleaseError> may_release(Height from, Height head) const;

 private:
  std::uint64_t own_power() const;
  void settle(base::Instant now);

  base::NodeId self_;
  std::shared_ptr<const ValidatorSet> set_;
  Guard guard_;
  base::Duration wait_;
  std::map<base::NodeId, Answer> answers_;
  Height head_;
  std::optional<Place> last_;
  std::optional<base::Instant> due_;
  bool free_ = false;
};

}  // namespace troupe::chain
