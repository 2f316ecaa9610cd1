#pragma once
// Measures the registry for `troupe bench task`.
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"

namespace troupe::bench {

/// Measures a node that monitors 10,000 nodes: the share of a processor for their heartbeats, one per node and minute
/// (`registry.fed`: ratio), and `troupe registry ls` at that node (`registry.ls`).
Measurement<Figures> measure_registry(os::Waker& waker, Runner& runner, NodeProcesses& processes);

}  // namespace troupe::bench
