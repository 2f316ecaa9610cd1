#pragma once
// Measures transfers and escrows for `troupe bench escrow`.
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"

namespace troupe::bench {

/// Measures transfers to 10,000 accounts by 64 clients on one link, at a node that keeps the book itself:
/// `escrow.transfer`.
Measurement<Figures> measure_transfers(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// Measures escrows from the proposal to the last payment at the book of a group of three, by 1 and by 64 clients:
/// `escrow.whole`.
Measurement<Figures> measure_escrows(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// Measures a million sleeping escrows, each with a timer, at a node that keeps the book itself: the extra memory of
/// its process (`escrow.asleep`), the time to wake one (`escrow.wake`), and the time from the start of the process
/// until it serves (`escrow.start`).
Measurement<Figures> measure_asleep(os::Waker& waker, Runner& runner, NodeProcesses& processes);

}  // namespace troupe::bench
