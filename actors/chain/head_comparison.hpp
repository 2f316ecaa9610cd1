#pragma once
// A part of `/chain` that finds two final blocks of one height, which take over a third of the power that lies.
//
// Search  the lowest height at which this chain and a neighbour's differ: its validators are those of both chains.
// Proof   the neighbour's commit of that height, if it is one (logic/divergence.hpp).
// Limits  kAskedAtOnceMax neighbours at a time; each again after kCompareEach at the earliest.
#include "actors/chain/logic/divergence.hpp"
#include "actors/chain/neighbours.hpp"

namespace troupe::chain {

class HeadComparison final : public runtime::Part {
 public:
  using Diverged = std::function<void(const Divergence&)>;

  HeadComparison(runtime::Actor& owner, LocalChain& chain, Neighbours& neighbours, Diverged diverged)
      : Part(owner), chain_(chain), neighbours_(neighbours), diverged_(std::move(diverged)) {}

  /// Whether the head that a neighbour told is a block of this chain.
  void check_head(const base::NodeId& neighbour);
  void check_heads();
  void compare(const base::NodeId& neighbour, Height height);

 private:
  struct Comparing;
  using Compared = base::Callback<void(base::Outcome<Commit>)>;
  void compare_next(std::shared_ptr<Comparing> comparing);
  void compare_commits(const std::shared_ptr<Comparing>& comparing, Height at, Compared then);
  void prove_divergence(std::shared_ptr<Comparing> comparing);

  LocalChain& chain_;
  Neighbours& neighbours_;
  const Diverged diverged_;
  /// With which heads are compared: the same. Shared with what ends a comparison, which may come after this actor.
  const std::shared_ptr<std::set<base::NodeId>> comparing_ = std::make_shared<std::set<base::NodeId>>();
};

}  // namespace troupe::chain
