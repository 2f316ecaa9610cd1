#include "apps/chain/bench/cluster.hpp"

#include <algorithm>

#include "actors/chain/chain_actor.hpp"
#include "actors/chain/validator_actor.hpp"
#include "apps/bench/ask_once.hpp"
#include "apps/chain/bench/money.hpp"
#include "runtime/base/share_budget.hpp"
#include "runtime/net/links_actor.hpp"
#include "runtime/store/store_actor.hpp"

namespace troupe::bench {
namespace {

constexpr std::chrono::seconds kChainListenMax{60};
constexpr std::chrono::seconds kLinkedMax{60};   // for links of a node to the nodes before it
constexpr std::chrono::seconds kGreetedMax{60};  // until all have greeted each other
constexpr std::chrono::milliseconds kGreetLook{50};
/// The minimum of neighbours of a node, whichever nodes dialled: some slots are reserved for neighbours that it
/// dialled.
constexpr std::size_t kNeighboursLeast = chain::Neighbours::kMax - chain::Neighbours::kMax / base::kReservePart;

}  // namespace

Measurement<std::unique_ptr<ChainCluster>> ChainCluster::start(Runner& runner,
                                                               std::shared_ptr<const chain::SignedGenesis> genesis,
                                                               std::size_t nodes, std::size_t validators) {
  std::unique_ptr<ChainCluster> out(new ChainCluster);
  if (auto listening = out->listen(runner, nodes); !listening.ok()) return listening.error();
  out->serve(validators, genesis);
  if (auto linked = out->link_all(runner); !linked.ok()) return linked.error();
  if (auto met = await_neighbours(runner, nodes, [&](std::size_t i) { return out->chain(i); }); !met.ok())
    return met.error();
  return out;
}

runtime::Handle ChainCluster::chain(std::size_t node) const { return homes_[node]->node.find(chain::kPath); }

Measurement<void> ChainCluster::listen(Runner& runner, std::size_t nodes) {
  for (std::size_t i = 0; i < nodes; ++i) {
    runtime::Node& node = runner.add_node();
    net::NetSetup setup = loopback_setup(nodes);
    setup.identity = std::make_shared<const crypto::Identity>(chain_identity(i));
    setup.listen = base::HostPort::parse("127.0.0.1:0");
    const auto home = std::make_shared<Home>(node);
    home->pool = std::make_shared<net::Pool>(node, setup);
    home->settings.links = home->pool;
    home->settings.identity = setup.identity;
    homes_.push_back(home);
    const auto listening = [home, &runner](const base::Outcome<base::Endpoint>& at) {
      if (at.ok()) home->port = at.value().port;
      runner.ring();
    };
    node.start("links", factory<net::LinksActor>(home->pool, listening), {.kind = net::LinksActor::kName});
  }
  return runner.wait_until("listening", kChainListenMax, [this] {
    return std::ranges::all_of(homes_, [](const auto& one) { return one->port != 0; });
  });
}

void ChainCluster::serve(std::size_t validators, const std::shared_ptr<const chain::SignedGenesis>& genesis) {
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    chain::ChainSettings& settings = homes_[i]->settings;
    settings.genesis = genesis;
    if (i < validators) settings.signer = std::make_shared<const crypto::SecretKey>(chain_consensus_key(i));
    settings.counters = std::make_shared<chain::Counters>();
    runtime::Node& node = homes_[i]->node;
    const std::string directory = "chain-store-" + std::to_string(i);
    node.start("store", [directory] { return std::make_unique<store::StoreActor>(directory); },
               {.kind = store::StoreActor::kName, .placement = ports::Placement::own_thread});
    node.start("validator", factory<chain::ValidatorActor>(settings), {.kind = chain::ValidatorActor::kName});
    node.start("chain", factory<chain::ChainActor>(settings), {.kind = chain::ChainActor::kName});
  }
}

/// One node after another, so that no node has more handshakes in progress than it admits at once.
Measurement<void> ChainCluster::link_all(Runner& runner) {
  for (std::size_t i = 1; i < homes_.size(); ++i) {
    net::Pool& pool = *homes_[i]->pool;
    for (std::size_t k = 0; k < i; ++k) {
      const std::string at = "127.0.0.1:" + std::to_string(homes_[k]->port.load());
      pool.dial(homes_[k]->settings.self(), base::HostPort::parse(at));
    }
    const auto linked = runner.wait_until("linking", kLinkedMax, [&pool, i] { return pool.rows().size() >= i; });
    if (!linked.ok()) return linked;
  }
  return {};
}

Measurement<void> await_neighbours(Runner& runner, std::size_t nodes,
                                   const std::function<runtime::Handle(std::size_t)>& chain_of) {
  const base::Instant due = runner.now() + kGreetedMax;
  for (std::size_t node = 0; node < nodes;) {
    const auto status = ask_once<chain::wire::GetChainStatus, chain::wire::ChainStatus>(
        runner, chain_of(node), [](chain::wire::GetChainStatus::Builder) {});
    if (!status.ok()) return status.error();
    if (status.value().ok()) {
      runtime::Envelope::Reading<chain::wire::ChainStatus> reading(status.value().value());
      if (reading.root().getNeighbours() >= std::min(nodes - 1, kNeighboursLeast)) {
        ++node;
        continue;
      }
    }
    if (runner.now() >= due)
      return Failure{{base::Code::timeout, "the nodes of the chain did not connect in time"},
                     "nothing was measured",
                     "again, on a less busy machine",
                     Exit::failed};
    if (auto paused = runner.pause(kGreetLook); !paused.ok()) return paused;
  }
  return {};
}

}  // namespace troupe::bench
