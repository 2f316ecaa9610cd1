#pragma once
// Parts of `/chain` for a halted chain. They find out that two blocks of one height are final, and resume the chain.
//
// Search  for the lowest height at which this chain and a neighbour's chain differ: both have the same validators
//         there.
// Proof   the neighbour's commit for that height, if the commit is valid (logic/divergence.hpp).
// Resume  by a statement that validators with over 2/3 of the power signed (logic/fork.hpp), from an operator or a
//         neighbour.
// Limits  each part asks at most kAskedAtOnceMax neighbours at a time.
#include "actors/chain/chain_part.hpp"
#include "actors/chain/logic/fork.hpp"

namespace troupe::chain {

/// Finds out that two blocks of one height are final. Over a third of the power must be malicious
/// (head_comparison.cpp).
class HeadComparison final : public ChainPart {
 public:
  using ChainPart::ChainPart;

  /// Checks whether the head that a neighbour announced is a block of this chain.
  void check_head(const base::NodeId& neighbour);
  void check_heads();
  void compare(const base::NodeId& neighbour, Height height);

 private:
  struct Comparing;
  using Compared = base::Callback<void(base::Outcome<Commit>)>;
  void compare_next(std::shared_ptr<Comparing> comparing);
  void compare_commits(const std::shared_ptr<Comparing>& comparing, Height at, Compared then);
  void prove_divergence(std::shared_ptr<Comparing> comparing);

  /// Nodes whose chains are being compared. Shared with callbacks, which may run after this actor's end.
  const std::shared_ptr<std::set<base::NodeId>> comparing_ = std::make_shared<std::set<base::NodeId>>();
};

/// Resumes a halted chain (fork_recovery.cpp).
class ForkRecovery final : public ChainPart {
 public:
  struct ResumeAgain {};

  using ChainPart::ChainPart;

  void resume_by(wire::ResumeChain::Reader ask, runtime::Reply<wire::ChainResumed> reply);
  void resume_again();
  void ask_forks(const base::NodeId& neighbour);
  void look_for_forks();
  void give(wire::GetForks::Reader ask, runtime::Reply<wire::Forks> reply);

 private:
  struct Resuming {
    SignedFork fork;
    base::Instant due;
    runtime::Reply<wire::ChainResumed> reply;
  };
  using Taken = base::Callback<void(base::Outcome<void>)>;
  void resume_when_free(Resuming resuming);
  void take_fork(const SignedFork& fork, Taken done);
  void verify_here(const SignedFork& fork, Fork seen, const TreeRoot& state, Taken done);
  void go_on(const SignedFork& fork, Taken done);
  void take_forks(const base::NodeId& neighbour, std::shared_ptr<const std::vector<SignedFork>> forks, std::size_t at);

  bool going_on_ = false;
  std::set<base::NodeId> asking_forks_;  // at most kAskedAtOnceMax
  std::vector<Resuming> resuming_;
};

}  // namespace troupe::chain
