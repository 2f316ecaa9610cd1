#include "actors/registry/counters.hpp"

namespace troupe::registry {

observe::CounterTable table_of(const Counters& counters) {
  using observe::MetricType;
  return {
      {"troupe_registry_watchers", "Nodes that have taken this node's last heartbeat.", MetricType::gauge,
       counters.watchers, "watchers"},
      {"troupe_registry_watched", "Nodes whose heartbeats come here.", MetricType::gauge, counters.watched, "watched"},
      {"troupe_registry_beats_total", "Heartbeats that were taken.", MetricType::counter, counters.beats, "beats"},
      {"troupe_registry_beats_refused_total", "Heartbeats and registrations that were refused.", MetricType::counter,
       counters.refused, "refused"},
      {"troupe_registry_pulls_total", "Questions to nodes whose heartbeat was late.", MetricType::counter,
       counters.pulls, "pulls"},
  };
}

}  // namespace troupe::registry
