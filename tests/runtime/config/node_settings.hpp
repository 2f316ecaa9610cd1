#pragma once
// A table as a node has it: the settings of the runtime, and those of two domains as their specs would bring them.
#include "runtime/config/known.hpp"

namespace troupe::config::test {

using namespace std::chrono_literals;

inline constexpr auto kJoin =
    texts("join", 64, When::start, "[ID@]HOST:PORT of nodes to join through", check_peer_address);
inline constexpr auto kNodeName = text("node.name", "", 64, When::start, "name for people");
inline constexpr auto kExchangePeriod =
    duration("peers.exchange_period", "120s", 100ms, 24h, When::start, "time between two exchanges");
inline constexpr auto kHold = duration("dht.hold", "48h", 1s, 24h * 30, When::start, "how long records are held");
inline constexpr auto kRepublishPeriod =
    half_of(kHold.key, duration("dht.republish_period", "22h", 1s, 24h * 14, When::start, "time between two rounds"));
inline constexpr auto kDomainSettings =
    std::to_array<Setting>({kJoin, kNodeName, kExchangePeriod, kHold, kRepublishPeriod});

inline Table node_table() {
  Table table({kRuntimeSettings, kDomainSettings});
  table.limit_names(kLogLevels.key, {"actor", "config", "dht", "health", "links", "metrics", "node", "peers"});
  return table;
}

}  // namespace troupe::config::test
