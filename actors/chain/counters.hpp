#pragma once
// Counters of a node's chain since it started, for describe() and metrics.
//
// Owner   the actors of one node write, over all their incarnations; any thread may read.
#include <atomic>
#include <cstdint>

#include "runtime/observe/counter_table.hpp"

namespace troupe::chain {

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  Count height{0}, pending{0};  // current values
  Count block_ms{0};            // between final blocks, by their times
  Count blocks{0}, transactions{0}, rounds{0}, missed{0};
  Count synced{0};    // blocks that came whole from a neighbour
  Count received{0};  // transactions from neighbours, including repeats
  Count refused{0};   // requests of other nodes, because of rate limits
  Count lies{0};      // messages that no honest node sends
};

observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::chain
