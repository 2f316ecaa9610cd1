#pragma once
// The content store under `troupe sim`: clients that put, get and remove files at any node, and what must hold then.
//
// sim_content   what file 17 of 4,000 bytes consists of
// sim_ledger    what clients were told, and what follows from it
// sim_draw      the operations of a world
// sim_clients   the clients
// sim_survey    what all nodes say of themselves, side by side
// sim_workload      the invariants
#include "runtime/sim/workload.hpp"

namespace troupe::files {

const sim::WorkloadSpec& workload();

}  // namespace troupe::files
