#pragma once
// Counters of a node's registry since its start, for describe() and for metrics.
//
// Owner   the actors of one node write, in all their incarnations; reads are safe from any thread.
#include <atomic>
#include <cstdint>

#include "runtime/observe/counter_table.hpp"

namespace troupe::registry {

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  Count watched{0}, watchers{0};  // current
  Count beats{0}, refused{0}, pulls{0};
};

observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::registry
