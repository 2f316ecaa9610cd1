#pragma once
// What `troupe sim escrow` does.
#include "runtime/sim/workload.hpp"

namespace troupe::escrow {

const sim::WorkloadSpec& workload();

}  // namespace troupe::escrow
