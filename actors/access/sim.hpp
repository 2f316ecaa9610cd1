#pragma once
// The keys of the HTTP API under `troupe sim`: operators change keys, and callers claim things and begin requests.
#include "runtime/sim/workload.hpp"

namespace troupe::access {

const sim::WorkloadSpec& workload();

}  // namespace troupe::access
