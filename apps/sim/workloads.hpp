#pragma once
// The workloads that can be simulated: those that the specs of the domains name.
#include <vector>

#include "apps/host/domains.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::apps {

/// What every world has, whatever its domains are: their knobs and properties are of nodes, not of a domain.
const sim::WorkloadSpec& world_spec();

/// Those of these domains, in the order in which a node starts them.
std::vector<const sim::WorkloadSpec*> workloads(const DomainSpecs& specs);

/// Those of `troupe node`. All that walks the list takes it as a parameter; a test hands in another one.
const std::vector<const sim::WorkloadSpec*>& all_workloads();

}  // namespace troupe::apps
