#pragma once
// The DHT under `troupe sim`: people who put, get, announce and find, some of them among nodes that lie.
//
// sim_draw      the operations of one world
// sim_ledger    what was put and announced, and what was acknowledged
// sim_clients   one question each, and what its answer must be
// sim_survey    what each node holds
// sim_liar      nodes that do not answer, or answer what is not so
// sim_workload      the invariants over all of them
#include "runtime/sim/workload.hpp"

namespace troupe::dht {

const sim::WorkloadSpec& workload();

}  // namespace troupe::dht
