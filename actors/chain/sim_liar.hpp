#pragma once
// A validator of a simulated world that says what it likes. Its node follows the chain as any other and has no key of a
// validator; the liar signs with that key, and talks to each neighbour by itself.
//
// Lies     votes that differ from neighbour to neighbour, for blocks that no one has, of rounds ahead, or for what is
//          at hand, though it has precommitted another one; nothing at all, to all or to some. As a proposer: two
//          blocks, times that are not now, bodies that do not follow; transactions before those that they wait for.
// Chance   a stream of the world. It seldom signs two contents for one step: that ends its part.
#include <map>

#include "actors/chain/chain_actor.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::chain {

class Liar {
 public:
  Liar(sim::Nodes& nodes, std::size_t node, crypto::SecretKey key, const ChainId& chain);

  std::size_t node() const { return node_; }
  /// The chain of its node has handled a message.
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
  std::map<std::pair<Place, Step>, Choice> said_;  // of the height at hand
  Place proposed_{};
};

}  // namespace troupe::chain
