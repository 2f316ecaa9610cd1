#pragma once
// The domains that can be tried in the simulator. To add one: name its maker in domains.cpp.
#include <string_view>
#include <vector>

#include "runtime/sim/domain.hpp"

namespace troupe::apps {

/// What every world has, whatever its domains are: their knobs and properties are of nodes, not of a domain.
const sim::DomainCard& world_card();

/// In the order in which a node starts them.
const std::vector<const sim::Domain*>& sim_domains();
/// Null if there is none of that name.
const sim::Domain* sim_domain(std::string_view name);
/// Its card; null likewise.
const sim::DomainCard* domain_card(std::string_view name);

}  // namespace troupe::apps
