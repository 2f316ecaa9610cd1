#pragma once
// Many nodes of one chain in this process, each with its own id, links, store, `/chain` and `/validator`, over loopback
// sockets. They share the threads of one actor system; each store has its own thread, and all share one device.
//
// Links  between all nodes, because the nodes form a mesh only above Neighbours::kMax nodes.
// Order  ends before its runner.
#include <functional>
#include <memory>
#include <vector>

#include "actors/chain/settings.hpp"
#include "apps/bench/runner.hpp"
#include "runtime/net/pool.hpp"

namespace troupe::bench {

class ChainCluster {
 public:
  /// Starts the nodes, of which the first `validators` vote. Returns once all are neighbours.
  static Measurement<std::unique_ptr<ChainCluster>> start(Runner& runner,
                                                          std::shared_ptr<const chain::SignedGenesis> genesis,
                                                          std::size_t nodes, std::size_t validators);

  std::size_t size() const { return homes_.size(); }
  runtime::Handle chain(std::size_t node) const;
  /// Returns the transactions that neighbours have sent to the node; repeated transactions count each time.
  std::uint64_t received(std::size_t node) const { return homes_[node]->settings.counters->received; }

 private:
  struct Home {
    runtime::Node& node;
    chain::ChainSettings settings;
    std::shared_ptr<net::Pool> pool{};
    std::atomic<std::uint32_t> port{0};
  };
  Measurement<void> listen(Runner& runner, std::size_t nodes);
  void serve(std::size_t validators, const std::shared_ptr<const chain::SignedGenesis>& genesis);
  Measurement<void> link_all(Runner& runner);

  std::vector<std::shared_ptr<Home>> homes_;
};

/// Waits until each of the nodes has all others as neighbours. `chain_of` returns the chain actor of a node.
Measurement<void> await_neighbours(Runner& runner, std::size_t nodes,
                                   const std::function<runtime::Handle(std::size_t)>& chain_of);

}  // namespace troupe::bench
