#pragma once
// The ledger under `troupe sim`: validators that agree, people who pay, and what every chain must be then.
#include "runtime/sim/workload.hpp"

namespace troupe::chain {

const sim::WorkloadSpec& workload();

}  // namespace troupe::chain
