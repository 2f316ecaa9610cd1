#pragma once
// A part of `/chain`: how a chain that stood still goes on, by a statement of over 2/3 of the power (logic/fork.hpp) that
// comes from an operator or a neighbour.
//
// Limits  kAskedAtOnceMax neighbours are asked at a time, each again after kForksEach at the earliest.
#include "actors/chain/logic/fork.hpp"
#include "actors/chain/neighbours.hpp"
#include "actors/chain/rounds.hpp"

namespace troupe::chain {

class ForkRecovery final : public runtime::Part {
 public:
  struct ResumeAgain {};

  ForkRecovery(runtime::Actor& owner, LocalChain& chain, Neighbours& neighbours, Rounds& rounds)
      : Part(owner), chain_(chain), neighbours_(neighbours), rounds_(rounds) {}

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

  LocalChain& chain_;
  Neighbours& neighbours_;
  Rounds& rounds_;
  bool going_on_ = false;
  std::set<base::NodeId> asking_forks_;  // kAskedAtOnceMax at most
  std::vector<Resuming> resuming_;
};

}  // namespace troupe::chain
