#pragma once
// The votes of one step of one round, and the power that supports each choice.
//
// Count   each validator once per choice, and once in total. A validator that votes for two choices counts for both, as
//         in Algorithm 1. Otherwise a malicious validator could divide the others forever by sending them different
//         votes.
// Limits  a vote for a second choice is kept only if more than 1/3 of the power supports that choice already. At most
//         two choices have so much support, so a validator has at most three votes here. A dropped vote can be sent
//         again later.
#include <map>

#include "actors/chain/logic/validators.hpp"
#include "actors/chain/logic/vote.hpp"
#include "runtime/base/mutations.hpp"

namespace troupe::chain {

class Tally {
 public:
  struct Added {
    enum class What : std::uint8_t {
      counted,  ///< the first vote of its validator here, or a second vote for a supported choice
      known,    ///< the same vote was here
      dropped,  ///< a second choice with little support
    };
    What what = What::counted;
    /// The first vote of its validator, if the added vote contradicts it.
    std::optional<SignedVote> contradicted{};
  };
  /// Returns the result that add() would have for a vote of that validator.
  Added::What would_be(const ValidatorSet& set, std::size_t index, const Choice& choice) const;
  /// Returns the first vote of that validator, if this choice contradicts it.
  std::optional<SignedVote> contradicted(std::size_t index, const Choice& choice) const;

  /// `index` is the validator's index in `set`, which is the same in all calls.
  Added add(const ValidatorSet& set, std::size_t index, const SignedVote& vote, const base::Mutations& mutations);

  /// Removes all votes of a validator.
  void remove(const ValidatorSet& set, std::size_t index);

  /// Returns the power of the validators that have voted.
  std::uint64_t power() const { return power_; }
  std::uint64_t power_of(const Choice& choice) const;
  bool has_quorum(const Choice& choice) const { return quorum_ && *quorum_ == choice; }
  /// Returns the choice that has a quorum, if any; it may be nil.
  const std::optional<Choice>& quorum() const { return quorum_; }

  /// Returns all votes for `choice`, in the order of the validators.
  std::vector<SignedVote> votes_for(const Choice& choice) const;
  std::vector<SignedVote> votes() const;
  bool has_voted(std::size_t index) const { return votes_.contains(index); }
  bool empty() const { return votes_.empty(); }

 private:
  void count(const ValidatorSet& set, const Choice& choice, std::uint64_t power, const base::Mutations& mutations);

  std::map<std::size_t, std::vector<SignedVote>> votes_;  // by index, each validator's first vote first
  std::map<Choice, std::uint64_t> powers_;
  std::uint64_t power_ = 0;
  std::optional<Choice> quorum_;
};

}  // namespace troupe::chain
