#pragma once
// The workloads that can be simulated: one per domain. To add a domain's: name its workload() in domains.cpp.
#include <vector>

#include "runtime/sim/workload.hpp"

namespace troupe::apps {

/// What every world has, whatever its domains are: their knobs and properties are of nodes, not of a domain.
const sim::WorkloadSpec& world_spec();

/// In the order in which a node starts their domains. All that walks the list takes it as a parameter; a test hands in
/// another one.
const std::vector<const sim::WorkloadSpec*>& all_workloads();

}  // namespace troupe::apps
