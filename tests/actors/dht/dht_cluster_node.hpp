#pragma once
// One node of a cluster (cluster.hpp): what it is, what surrounds its DHT, and its lives.
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/dht/api.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/wire.hpp"
#include "messages/contact.hpp"
#include "messages/peers.capnp.h"
#include "messages/runtime.capnp.h"
#include "runtime/actor/host.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/net/datagrams_actor.hpp"
#include "runtime/net/links_actor.hpp"
#include "runtime/sim/open_channel.hpp"
#include "runtime/sim/open_keys.hpp"
#include "runtime/store/store_report.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

namespace troupe::dht::test {

using namespace std::chrono_literals;
using base::Code;
using base::Error;
using troupe::test::script;
using troupe::test::Scripted;

inline std::string text(base::ByteView from) { return {reinterpret_cast<const char*>(from.data()), from.size()}; }

/// Breaks an actor in its next handler, once.
class Breaker final : public runtime::Host {
 public:
  std::string path;

  void runs(std::uint64_t) override {}
  void ran(std::uint64_t) override {}
  void handles(std::string_view at) override {
    if (path.empty() || at != path) return;
    path.clear();
    throw base::InvariantBroken("a test breaks this actor");
  }
  bool takes(std::uint64_t, caf::actor_control_block&, caf::mailbox_element_ptr&) override { return false; }
};

/// One life of a node, from a start to its end. Outlives its actors.
struct Life {
  Life(sim::Stage& stage, std::shared_ptr<sim::Fabric> fabric, std::uint16_t number, sim::Disk& disk)
      : ports(stage.keep<sim::NodePorts>(stage, std::move(fabric), number, disk)),
        node(stage.system(), ports.world()) {}
  sim::NodePorts& ports;
  runtime::Node node;
  std::shared_ptr<net::Pool> pool;
  std::shared_ptr<net::Datagrams> datagrams;
  runtime::Handle dht;
  troupe::test::Outside outside;
  std::vector<std::string> failures;
  Breaker breaker;
};

struct ClusterNode {
  ClusterNode() { settings.cache_bytes_max = 0; }  // so that whoever answers holds it
  std::uint16_t number = 0;
  sim::Disk disk;
  std::shared_ptr<const crypto::Identity> identity;
  DhtSettings settings;
  base::Endpoint at;                                                   // where it listens, whatever it tells others
  std::set<std::size_t> knows;                                         // whom its `/peers` names
  bool untried = false;                                                // whether its `/peers` has a seed to try
  base::Endpoint seen_at;                                              // as its `/peers` says
  std::vector<std::pair<base::NodeId, net::wire::Violation>> accused;  // as its `/peers` has heard
  Scripted::Receive acts;                                              // in place of the DHT, if it is set
  store::StoreTold told;                                               // by its store
  bool stores = true;                                                  // else there is no `/store`
  std::vector<std::unique_ptr<Life>> lives;
  bool up = false;
  const base::NodeId& id() const { return identity->id(); }
  base::Contact where() const { return {identity->public_key(), identity->nonce(), at}; }
  Contact contact() const { return {id(), where()}; }
  Life& life() { return *lives.back(); }
};

}  // namespace troupe::dht::test
