#pragma once
// What `troupe bench task` measures of the registry.
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"

namespace troupe::bench {

/// A node that watches 10,000 others: what part of a processor their heartbeats take, one of each a minute
/// (`registry.fed`: ratio), and `troupe registry ls` there (`registry.ls`).
Measurement<Figures> measure_registry(os::Waker& waker, Runner& runner, NodeProcesses& processes);

}  // namespace troupe::bench
