#pragma once
// What `troupe sim airdrop` does: airdrops, and the fund of the same book.
#include "runtime/sim/workload.hpp"

namespace troupe::airdrop {

const sim::WorkloadSpec& workload();

}  // namespace troupe::airdrop
