#pragma once
// A malicious validator in a simulation run. Its node follows the chain honestly, without the validator's key. The liar
// signs with that key, and sends different messages to each neighbour.
//
// Lies     votes that differ between neighbours, for unknown blocks, for later rounds, or against its own precommit;
//          silence towards all or some. As the proposer: two blocks, wrong times, a wrong state or commit, transactions
//          in a wrong order.
// Chance   a random stream of the run. It rarely signs two contents for one step, because this ends its role as a
//          validator.
#include <map>

#include "actors/chain/chain_actor.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::chain {

class Liar {
 public:
  Liar(sim::Nodes& nodes, std::size_t node, crypto::SecretKey key, const ChainId& chain);

  std::size_t node() const { return node_; }
  /// Called when its node's chain has handled a message.
  void handled(const ChainActor& chain);

 private:
  struct Moment {
    Place place;
    Step step = Step::propose;
    std::size_t blocks = 0;
    friend auto operator<=>(const Moment&, const Moment&) = default;
  };
  void vote(const ChainActor& chain, Place place, Step step, bool twice);
  void propose(const ChainActor& chain, const Place& place);
  void propose_turned(const ChainActor& chain, const Place& place, UnixMs time);
  void propose(const ChainActor& chain, const Place& place, const Block& block, bool all,
               const std::vector<TxId>& ids = {});
  Choice choice(const ChainActor& chain);
  template <class Content>
  Signed<Content> sign(const Content& content) const;
  template <class Message, class Fill>
  void send(const ChainActor& chain, const base::NodeId& to, Fill fill);

  sim::Nodes& nodes_;
  base::Random& random_;
  const std::size_t node_;
  const crypto::SecretKey key_;
  const ChainId chain_;
  Moment last_{};
  std::map<std::pair<Place, Step>, Choice> said_;  // its choices in the current height
  Place proposed_{};
};

}  // namespace troupe::chain
