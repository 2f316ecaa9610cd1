#pragma once
// The registry under `troupe sim`: operators who register and list, and what every list must show then.
#include "runtime/sim/workload.hpp"

namespace troupe::registry {

const sim::WorkloadSpec& workload();

}  // namespace troupe::registry
