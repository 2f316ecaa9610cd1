#pragma once
// When a validator may sign after its start: once others have told which content of its own they have seen last.
//
// Why     a data directory that was restored from a backup has an old guard. What that lets be signed may contradict
//         what was signed since.
// States  asking: not enough have answered. free: validators with more than 2/3 of the power, this one included, know
//         nothing that the guard does not. waiting: something later was shown; `wait` after all but at most 1/3 of the
//         power have been heard not to wait themselves, the guard may be passed. stuck: over 1/3 wait, this one
//         included. Then none goes on by itself: a person releases each of them, once all have been heard.
// Blocks  come first: their commits may have signatures of this validator which others have forgotten.
// Trust   only a content with the signature of this validator shows anything; the caller has verified it. A liar can
//         keep silent about what it knows, and nothing else.
// Limits  one answer, and one content, of each validator of the latest set.
// Time    monotonic, given by the caller. Reads no clock and sends nothing.
#include <map>
#include <variant>

#include "actors/chain/logic/guard.hpp"
#include "actors/chain/logic/validators.hpp"
#include "runtime/base/time.hpp"

namespace troupe::chain {

using SignedContent = std::variant<SignedVote, SignedProposal>;

/// Where a content stands; a validator signs them in this order.
struct Moment {
  Place place;
  Step step = Step::propose;

  friend auto operator<=>(const Moment&, const Moment&) = default;
};
Moment moment_of(const SignedContent& content);
const base::NodeId& validator_of(const SignedContent& content);

/// Whether a content of the guard's own validator proves that more was signed than the guard has recorded.
bool unknown_to(const Guard& guard, const SignedContent& content);

/// The latest content of each validator that was verified here: what a validator asks for at its start.
class LatestContents {
 public:
  /// Whether it is later than what is known of its validator.
  bool news(const SignedContent& content) const;
  /// It was verified to be of a validator of the set. Ignored unless it is news.
  void hear(const SignedContent& content);
  /// Null if nothing is known. Valid until the next call that changes anything.
  const SignedContent* of(const base::NodeId& validator) const;
  /// Forgets those that are not in the set.
  void keep(const ValidatorSet& set);
  std::size_t size() const { return latest_.size(); }

 private:
  std::map<base::NodeId, SignedContent> latest_;
};

enum class RejoinState : std::uint8_t { asking, free, waiting, stuck };

enum class ReleaseError : std::uint8_t {
  free,     ///< it does not wait
  unheard,  ///< not all of the power has been heard: unheard() names who is missing
  low,      ///< at or below the highest height that was heard of, or the head: release_from() is the least
  high,     ///< over kReleaseAheadMax above the least: the validator would be silent for long, and it is hard to undo
};

class Rejoin {
 public:
  static constexpr std::uint64_t kReleaseAheadMax = 1'000;  // our choice, heights

  /// `guard` as it was at the start.
  Rejoin(const base::NodeId& self, std::shared_ptr<const ValidatorSet> set, const Guard& guard, base::Duration wait,
         base::Instant now);

  /// Those of the next height.
  void validators_are(std::shared_ptr<const ValidatorSet> set, base::Instant now);
  struct Answer {
    bool waits = false;  ///< as this one does: it counts for nothing until it does not
    Height head{};       ///< its latest block
  };
  /// Of another validator; a later one replaces it.
  void hear(const base::NodeId& validator, const Answer& answer, base::Instant now);
  /// The latest block of this node.
  void head_is(Height head, base::Instant now);
  /// A verified content of this validator, from whichever source. Ignored once it is free.
  void show(const SignedContent& own, base::Instant now);
  /// The guard refuses all up to last(), durably: it is free.
  void passed() { free_ = true; }

  RejoinState state() const;
  /// Something was shown that the guard does not know.
  bool behind() const { return !free_ && last_.has_value(); }
  /// Whether that one has to be asked, for the first time or again.
  bool asks(const base::NodeId& validator) const;
  /// Whether the guard may be passed now, without a person.
  bool over(base::Instant now) const { return state() == RejoinState::waiting && caught_up() && due_ && now >= *due_; }
  /// When; nothing while too few have been heard.
  std::optional<base::Instant> due() const { return state() == RejoinState::waiting ? due_ : std::nullopt; }
  /// Fork and height of the latest content that was shown. It is behind().
  const Place& last() const { return *last_; }

  /// Which validators with more than 1/3 of the power have said to have, so that a correct one is among them.
  Height others_have() const;
  bool caught_up() const { return head_ >= others_have(); }

  std::uint64_t power() const { return set_->power(); }
  /// Of those that have answered and do not wait; with this one, unless it is behind.
  std::uint64_t heard_power() const;
  /// Of those that wait, this one included.
  std::uint64_t waiting_power() const;
  std::vector<base::NodeId> unheard() const;
  /// The lowest height from which a person may let it sign.
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
