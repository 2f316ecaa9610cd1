#pragma once
// The votes of one step of one round, and what power stands behind each choice.
//
// Count   each validator once for a choice, and once in all. A validator that votes for two choices counts for both, as
//         in Algorithm 1: otherwise a liar who shows each its other face could keep correct validators apart for ever.
// Limits  a second choice of a validator is kept only for a choice which more than 1/3 stand behind already. There are
//         two of these at most, so that a validator has three votes here at most. It can be sent again later.
#include <map>

#include "actors/chain/logic/validators.hpp"
#include "actors/chain/logic/vote.hpp"
#include "runtime/base/mutations.hpp"

namespace troupe::chain {

class Tally {
 public:
  struct Added {
    enum class What : std::uint8_t {
      counted,  ///< the first vote of its validator here, or a second one for a choice of many
      known,    ///< the same was here
      dropped,  ///< a second choice that has few behind it
    };
    What what = What::counted;
    /// The first vote of its validator, if this one contradicts it.
    std::optional<SignedVote> contradicted{};
  };
  /// What add() would say of a vote of that validator.
  Added::What would_be(const ValidatorSet& set, std::size_t index, const Choice& choice) const;
  /// The first vote of that validator, if this choice contradicts it.
  std::optional<SignedVote> contradicted(std::size_t index, const Choice& choice) const;

  /// `index` is that of its validator in `set`, which is the same at each call.
  Added add(const ValidatorSet& set, std::size_t index, const SignedVote& vote, const base::Mutations& mutations);

  /// Takes back all votes of a validator.
  void remove(const ValidatorSet& set, std::size_t index);

  /// Of validators that have voted.
  std::uint64_t power() const { return power_; }
  std::uint64_t power_of(const Choice& choice) const;
  bool has_quorum(const Choice& choice) const { return quorum_ && *quorum_ == choice; }
  /// The choice of a quorum, if there is one; it may be nil.
  const std::optional<Choice>& quorum() const { return quorum_; }

  /// All votes for `choice`, in the order of the validators.
  std::vector<SignedVote> votes_for(const Choice& choice) const;
  std::vector<SignedVote> votes() const;
  bool has_voted(std::size_t index) const { return votes_.contains(index); }
  bool empty() const { return votes_.empty(); }

 private:
  void count(const ValidatorSet& set, const Choice& choice, std::uint64_t power, const base::Mutations& mutations);

  std::map<std::size_t, std::vector<SignedVote>> votes_;  // by index; the first one first
  std::map<Choice, std::uint64_t> powers_;
  std::uint64_t power_ = 0;
  std::optional<Choice> quorum_;
};

}  // namespace troupe::chain
