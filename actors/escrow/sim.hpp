#pragma once
// The workload of `troupe sim escrow`.
#include "runtime/sim/workload.hpp"

namespace troupe::escrow {

const sim::WorkloadSpec& workload();

}  // namespace troupe::escrow
