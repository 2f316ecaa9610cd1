#pragma once
// What a node has counted of the registry since it started, for describe() and for metrics.
//
// Owner   the actors of one node write, over all their incarnations; every read is safe from any thread.
#include <atomic>
#include <cstdint>

#include "runtime/observe/counter_table.hpp"

namespace troupe::registry {

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  Count watched{0}, watchers{0};  // as they are now
  Count beats{0}, refused{0}, pulls{0};
};

observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::registry
