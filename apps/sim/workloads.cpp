#include "apps/sim/workloads.hpp"

namespace troupe::apps {

const sim::WorkloadSpec& world_spec() {
  static const sim::WorkloadSpec spec{
      .name = "sim",
      .knobs = {{"actors.mailbox_max", {"4", "8", "16"}}},
      .invariants =
          {
              {"sim.actor-breaks", "no actor breaks unless a fault breaks it, and the check() of each actor holds"},
              {"sim.node-gives-up", "a node gives up only if its device has failed"},
              {"sim.converges", "once all faults have ended, the world converges within a time limit"},
              {"sim.comes-to-rest", "actors do not keep each other busy forever while no time passes"},
          },
      .sometimes = {{"actor: a mailbox was full", "a request was answered `overloaded`, or a tell was dropped"}},
  };
  return spec;
}

std::vector<const sim::WorkloadSpec*> workloads(const DomainSpecs& specs) {
  std::vector<const sim::WorkloadSpec*> out;
  for (const auto* spec : specs)
    if (spec->workload != nullptr) out.push_back(&spec->workload());
  return out;
}

const std::vector<const sim::WorkloadSpec*>& all_workloads() {
  static const auto all = workloads(domains());
  return all;
}

}  // namespace troupe::apps
