#pragma once
// The workloads that can be simulated: one per domain. To add a domain's: name its workload() in domains.cpp.
#include <string_view>
#include <vector>

#include "runtime/sim/workload.hpp"

namespace troupe::apps {

/// What every world has, whatever its domains are: their knobs and properties are of nodes, not of a domain.
const sim::WorkloadSpec& world_spec();

/// In the order in which a node starts their domains.
const std::vector<const sim::WorkloadSpec*>& all_workloads();
/// Null if no domain has that name.
const sim::WorkloadSpec* workload_spec(std::string_view name);

}  // namespace troupe::apps
