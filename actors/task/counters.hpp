#pragma once
// Counters of a node's tasks since its start, for describe() and for metrics.
//
// Owner   the actors of one node write, in all their incarnations; reads are safe from any thread.
#include <atomic>
#include <cstdint>

#include "runtime/observe/counter_table.hpp"

namespace troupe::task {

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  Count open{0}, running{0};  // current: submitted here, running here
  Count submitted{0}, done{0}, failed{0};
  Count attempts{0}, turned_away{0};                             // here, from any submitter
  Count checks_right{0}, checks_wrong{0}, checks_unanswered{0};  // by this node
};

observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::task
