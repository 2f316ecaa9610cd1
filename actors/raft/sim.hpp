#pragma once
// Groups under `troupe sim`: clients that write and read keys at any node, and the invariants for the results.
//
// See     sim_workload.hpp for the clients, the invariants, and when a group is whole again.
#include "runtime/sim/workload.hpp"

namespace troupe::raft {

const sim::WorkloadSpec& workload();

}  // namespace troupe::raft
