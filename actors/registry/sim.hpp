#pragma once
// The registry under `troupe sim`: operators register and list nodes, and the workload checks each list.
#include "runtime/sim/workload.hpp"

namespace troupe::registry {

const sim::WorkloadSpec& workload();

}  // namespace troupe::registry
