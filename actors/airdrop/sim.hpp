#pragma once
// The workload of `troupe sim airdrop`: airdrops, and the fund of the same book.
#include "runtime/sim/workload.hpp"

namespace troupe::airdrop {

const sim::WorkloadSpec& workload();

}  // namespace troupe::airdrop
