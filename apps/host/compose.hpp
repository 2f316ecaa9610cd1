#pragma once
// Puts a node together: its settings and ports become links and domains. The only place that knows all domains.
//
// Whoever runs a node (`troupe node`, later the simulator) makes its ports, its identity and its Node, and hands in
// the rest here.
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "actors/dht/counters.hpp"
#include "actors/inspect/survey.hpp"
#include "actors/node/node_actor.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/net/datagrams.hpp"
#include "runtime/net/pool.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::apps {

/// Where the node serves: told by `/links`, read by everybody. Safe from any thread.
class Serving {
 public:
  void set(const base::Endpoint& at);
  std::optional<base::Endpoint> at() const;
  /// "HOST:PORT", empty before it listens.
  std::string text() const;

 private:
  mutable std::mutex lock_;
  std::optional<base::Endpoint> at_;
};

/// What the settings say about the actors of a node, before there is one.
runtime::NodeLimits node_limits(const config::Settings& settings);

/// What the settings say about links.
net::NetSetup net_setup(const config::Settings& settings, std::shared_ptr<const crypto::Identity> identity);

struct Composition {
  const config::Settings& settings;  ///< read during compose() only
  std::shared_ptr<net::Pool> pool;
  std::shared_ptr<net::Datagrams> datagrams;
  std::shared_ptr<Serving> serving;
  std::optional<base::Endpoint> advertise;  ///< what others are told; none: where it serves
  observe::Health* health;                  ///< outlives the node, as does the next
  observe::Log* log;
  std::function<void(const base::Error&)> cannot_listen;  ///< before the node has served; any thread
  inspect::LatestTotals* totals = nullptr;                ///< outlives the node; null: nobody wants them
  bool simulated = false;                                 ///< 10.0.0.0/8 is many machines of many owners
  std::shared_ptr<dht::Counters> dht_counters{};          ///< null: nobody wants them
};

/// The domains of a node, in the order in which they start: who watches the others, store, links, datagrams, and those
/// that need them.
std::vector<node::Domain> compose(const Composition& parts);

/// What the root of such a node is given; `serving` and `drained` are left to whoever runs it.
node::NodeActor::Setup root_setup(const Composition& parts, std::string name);

}  // namespace troupe::apps
