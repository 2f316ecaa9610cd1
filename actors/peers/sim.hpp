#pragma once
// The peers under `troupe sim`: people who connect and drop, and what every node must know and be linked to then.
//
// sim_workload      the invariants
#include "runtime/sim/workload.hpp"

namespace troupe::peers {

const sim::WorkloadSpec& workload();

}  // namespace troupe::peers
