#include "actors/registry/counters.hpp"

namespace troupe::registry {

observe::CounterTable table_of(const Counters& counters) {
  using observe::MetricType;
  return {
      {"troupe_registry_watchers", "Nodes that accepted this node's last heartbeat.", MetricType::gauge,
       counters.watchers, "watchers"},
      {"troupe_registry_watched", "Nodes that send heartbeats to this node.", MetricType::gauge, counters.watched,
       "watched"},
      {"troupe_registry_beats_total", "Heartbeats accepted.", MetricType::counter, counters.beats, "beats"},
      {"troupe_registry_beats_refused_total", "Heartbeats and registrations refused.", MetricType::counter,
       counters.refused, "refused"},
      {"troupe_registry_pulls_total", "Requests to nodes with a late heartbeat.", MetricType::counter, counters.pulls,
       "pulls"},
  };
}

}  // namespace troupe::registry
