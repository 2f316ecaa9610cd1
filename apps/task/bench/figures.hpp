#pragma once
// What `troupe bench task` measures of tasks.
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"

namespace troupe::bench {

/// Choices among a thousand nodes: `task.place`. Then empty tasks at a node that runs them itself, from the submission
/// to the result that was read: one after the other (`task.run`), and some at once (`task.empty`). Both take `span`.
Measurement<Figures> measure_tasks(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// Empty tasks, one after the other, of the first of five nodes, that the others run: `task.apart`. Takes `span`.
Measurement<Figures> measure_tasks_apart(os::Waker& waker, Runner& runner, NodeProcesses& processes,
                                         base::Duration span);

}  // namespace troupe::bench
