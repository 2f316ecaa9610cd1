#pragma once
// Validators over a third that work together in a world: they show each of two groups of honest ones
// another block.
#include "actors/chain/chain_actor.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::chain {

/// Once for a place at which one of them proposes, each group gets a proposal of its own, and all votes of the members
/// for it; the second group, where one of them may propose, at times in the next round. The members' nodes are honest
/// besides: the keys are used by both.
class Conspiracy {
 public:
  struct Member {
    base::NodeId id;
    crypto::SecretKey key;
  };
  /// `node` has the links by which they speak; it is a member's.
  Conspiracy(sim::Nodes& nodes, std::size_t node, std::vector<Member> members,
             std::array<std::vector<std::size_t>, 2> deceived, const ChainId& chain);

  std::size_t node() const { return node_; }
  bool has(const base::NodeId& id) const;
  std::size_t size() const { return members_.size(); }
  /// The chain of that node has handled a message.
  void handled(const ChainActor& chain);

 private:
  void deceive(const ChainActor& chain, const Place& place, const base::NodeId& to, const Block& block);

  sim::Nodes& nodes_;
  const std::size_t node_;
  std::vector<Member> members_;
  base::Random& random_;
  const std::array<std::vector<std::size_t>, 2> deceived_;
  const ChainId chain_;
  Place done_;
};

}  // namespace troupe::chain
