#pragma once
// Counters of a node's chain since the node started, for describe() and metrics.
//
// Owner   the node's actors write them, including restarted actors; any thread may read.
#include <atomic>
#include <cstdint>

#include "runtime/observe/counter_table.hpp"

namespace troupe::chain {

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  Count height{0}, pending{0};  // current values
  Count block_ms{0};            // sum of the times between final blocks, by their dates
  Count blocks{0}, transactions{0}, rounds{0}, missed{0};
  Count synced{0};    // blocks that came from a neighbour with their commits
  Count received{0};  // transactions from neighbours, including repeats
  Count refused{0};   // requests from other nodes that rate limits refused
  Count lies{0};      // messages that no honest node sends
};

observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::chain
