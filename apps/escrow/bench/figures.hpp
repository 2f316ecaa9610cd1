#pragma once
// What `troupe bench escrow` measures of transfers and escrows.
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"

namespace troupe::bench {

/// Transfers at a node that keeps the book itself, by 64 clients of one link, to 10,000 accounts: `escrow.transfer`.
Measurement<Figures> measure_transfers(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// Escrows from the proposal to the last payment at a book of a group of three, by 1 and by 64 clients: `escrow.whole`.
Measurement<Figures> measure_escrows(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// A million escrows that sleep, each with a timer, at a node that keeps the book itself: how much more memory its
/// process takes than without escrows (`escrow.asleep`), the time to wake one (`escrow.wake`), and from the start of
/// the process to its service (`escrow.start`).
Measurement<Figures> measure_asleep(os::Waker& waker, Runner& runner, NodeProcesses& processes);

}  // namespace troupe::bench
