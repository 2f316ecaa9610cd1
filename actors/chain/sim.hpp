#pragma once
// The ledger under `troupe sim`: validators that agree, users that pay, and the invariants of every chain.
#include "runtime/sim/workload.hpp"

namespace troupe::chain {

const sim::WorkloadSpec& workload();

}  // namespace troupe::chain
