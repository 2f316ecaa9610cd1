#pragma once
// The peers under `troupe sim`: operators connect and drop peers; nodes must then know and link the right nodes.
//
// sim_workload      the invariants
#include "runtime/sim/workload.hpp"

namespace troupe::peers {

const sim::WorkloadSpec& workload();

}  // namespace troupe::peers
