#pragma once
// What a node has counted of its chain since it started, for describe() and for metrics.
//
// Owner   the actors of one node write, over all their incarnations; every read is safe from any thread.
#include <atomic>
#include <cstdint>

#include "runtime/observe/counter_table.hpp"

namespace troupe::chain {

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  Count height{0}, pending{0};  // as they are now
  Count block_ms{0};            // between final blocks, by their times
  Count blocks{0}, transactions{0}, rounds{0}, missed{0};
  Count synced{0};    // blocks that came from a neighbour whole
  Count received{0};  // transactions that neighbours have sent, each as often as it came
  Count refused{0};   // questions of other nodes, because they had been given enough
  Count lies{0};      // what no honest node sends
};

observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::chain
