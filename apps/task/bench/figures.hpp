#pragma once
// Measures tasks for `troupe bench task`.
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"

namespace troupe::bench {

/// Measures choices among a thousand nodes: `task.place`. Then measures empty tasks at a node that runs them itself,
/// from submission until the result is read: one at a time (`task.run`), and several at once (`task.empty`). Both take
/// `span`.
Measurement<Figures> measure_tasks(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// Measures empty tasks, one at a time, submitted at the first of five nodes and run by the others: `task.apart`. Takes
/// `span`.
Measurement<Figures> measure_tasks_apart(os::Waker& waker, Runner& runner, NodeProcesses& processes,
                                         base::Duration span);

}  // namespace troupe::bench
