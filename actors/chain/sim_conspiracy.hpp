#pragma once
// Validators over a third that work together in a world: they show each of two honest nodes another block.
#include "actors/chain/chain_actor.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::chain {

/// Once for a place at which one of them proposes, the two get a proposal each, and all votes of the members for it.
/// The members' nodes are honest besides: the keys are used by both.
class Conspiracy {
 public:
  struct Member {
    base::NodeId id;
    crypto::SecretKey key;
  };
  /// `node` has the links by which they speak; it is a member's.
  Conspiracy(sim::Nodes& nodes, std::size_t node, std::vector<Member> members, std::array<std::size_t, 2> deceived,
             const ChainId& chain);

  std::size_t node() const { return node_; }
  bool has(const base::NodeId& id) const;
  /// The chain of that node has handled a message.
  void handled(const ChainActor& chain);

 private:
  void deceive(const ChainActor& chain, const Place& place, const base::NodeId& to, const Block& block);

  sim::Nodes& nodes_;
  const std::size_t node_;
  std::vector<Member> members_;
  const std::array<std::size_t, 2> deceived_;
  const ChainId chain_;
  Place done_;
};

}  // namespace troupe::chain
