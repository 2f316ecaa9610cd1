#pragma once
// The DHT under `troupe sim`: clients that put, get, announce and find; some nodes are malicious.
#include "runtime/sim/workload.hpp"

namespace troupe::dht {

const sim::WorkloadSpec& workload();

}  // namespace troupe::dht
