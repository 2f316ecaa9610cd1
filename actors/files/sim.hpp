#pragma once
// The content store under `troupe sim`: clients that put, get and remove files at any node, and the invariants.
//
// sim_content  the bytes of each file, such as file 17 with 4,000 bytes
// sim_ledger   the responses to clients, and what follows from them
// sim_draw     the operations of a run
// sim_clients  the clients
// sim_survey   the reports of all nodes, side by side
// sim_workload the invariants
#include "runtime/sim/workload.hpp"

namespace troupe::files {

const sim::WorkloadSpec& workload();

}  // namespace troupe::files
