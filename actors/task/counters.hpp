#pragma once
// What a node has counted of tasks since it started, for describe() and for metrics.
//
// Owner   the actors of one node write, over all their incarnations; every read is safe from any thread.
#include <atomic>
#include <cstdint>

#include "runtime/observe/counter_table.hpp"

namespace troupe::task {

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  Count open{0}, running{0};  // as they are now: submitted here, run here
  Count submitted{0}, done{0}, failed{0};
  Count attempts{0}, turned_away{0};                             // here, of any submitter
  Count checks_right{0}, checks_wrong{0}, checks_unanswered{0};  // by this node
};

observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::task
