#pragma once
// The audit trail under `troupe sim`: operators append records and read the trail, and the workload verifies it.
#include "runtime/sim/workload.hpp"

namespace troupe::audit {

const sim::WorkloadSpec& workload();

}  // namespace troupe::audit
