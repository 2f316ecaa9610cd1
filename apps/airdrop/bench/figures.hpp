#pragma once
// What `troupe bench escrow` measures of airdrops.
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"

namespace troupe::bench {

/// An airdrop to 100,000 accounts at a node that keeps the book itself, from its first question to its last payment:
/// `airdrop.pay`; then `troupe airdrop verify` of it: `airdrop.verify`. The node hears objections for 1 s.
Measurement<Figures> measure_airdrop(os::Waker& waker, Runner& runner, NodeProcesses& processes);

}  // namespace troupe::bench
