#pragma once
// The peers under `troupe sim`: people who connect and drop, and what every node must know and be linked to then.
//
// sim_play      the invariants
#include <memory>

#include "runtime/sim/domain.hpp"

namespace troupe::peers {

std::unique_ptr<sim::Domain> peers_domain();

}  // namespace troupe::peers
