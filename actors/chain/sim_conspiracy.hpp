#pragma once
// Malicious validators that conspire in a simulation run. They have over a third of the power, and show different
// blocks to two groups of honest validators.
#include "actors/chain/chain_actor.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::chain {

/// Each time a member is the proposer, each group gets its own proposal, once, and all members' votes for that
/// proposal. The second group's proposal is sometimes in the next round, if a member may propose there. The members'
/// nodes stay honest, although they use the same keys.
class Conspiracy {
 public:
  struct Member {
    base::NodeId id;
    crypto::SecretKey key;
  };
  /// The members' messages are sent over the links of `node`, which belongs to a member.
  Conspiracy(sim::Nodes& nodes, std::size_t node, std::vector<Member> members,
             std::array<std::vector<std::size_t>, 2> deceived, const ChainId& chain);

  std::size_t node() const { return node_; }
  bool has(const base::NodeId& id) const;
  std::size_t size() const { return members_.size(); }
  /// Called when that node's chain has handled a message.
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
