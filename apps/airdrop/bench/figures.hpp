#pragma once
// Measures airdrops for `troupe bench escrow`.
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"

namespace troupe::bench {

/// Measures an airdrop to 100,000 accounts at a node that keeps the book itself, from its first request to its last
/// payment: `airdrop.pay`; then `troupe airdrop verify` of it: `airdrop.verify`. The node accepts objections for 1 s.
Measurement<Figures> measure_airdrop(os::Waker& waker, Runner& runner, NodeProcesses& processes);

}  // namespace troupe::bench
