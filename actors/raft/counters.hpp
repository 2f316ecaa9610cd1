#pragma once
// What a node has counted of its groups since it started.
//
// Owner   the actors of one node write; every read is safe from any thread.
#include <atomic>
#include <cstdint>

#include "runtime/observe/counter_table.hpp"

namespace troupe::raft {

struct Counters {
  using Count = std::atomic<std::uint64_t>;
  Count proposed{0}, applied{0}, reads{0}, messages_sent{0}, messages_taken{0}, messages_rejected{0};
  Count elections{0}, leads_won{0}, snapshots{0}, snapshots_installed{0}, drifts{0}, stalls{0}, differed{0};
  Count history_loads{0}, history_lost{0};
  Count groups{0}, leading{0};  // as they are now
};

observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::raft
