#pragma once
// The workloads that can be simulated, as named by the specs of the domains.
#include <vector>

#include "apps/host/domains.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::apps {

/// Returns the spec that applies to every world: knobs and properties of nodes, not of a domain.
const sim::WorkloadSpec& world_spec();

/// Returns the workloads of these domains, in the order in which a node starts them.
std::vector<const sim::WorkloadSpec*> workloads(const DomainSpecs& specs);

/// Returns the workloads of `troupe node`. Functions that walk the list take it as a parameter; a test passes its own.
const std::vector<const sim::WorkloadSpec*>& all_workloads();

}  // namespace troupe::apps
