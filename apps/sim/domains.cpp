#include "apps/sim/domains.hpp"

#include "actors/dht/sim.hpp"
#include "actors/files/sim.hpp"
#include "actors/peers/sim.hpp"

namespace troupe::apps {

const sim::WorkloadSpec& world_spec() {
  static const sim::WorkloadSpec spec{
      .name = "sim",
      .knobs = {{"actors.mailbox_max", {"4", "8", "16"}}},
      .invariants =
          {
              {"sim.actor-breaks", "no actor breaks, but those that a fault breaks, and the check() of each holds"},
              {"sim.node-gives-up", "no node gives up but one whose device has failed"},
              {"sim.converges", "once all faults have ended, everything comes about within a bound of time"},
              {"sim.comes-to-rest", "actors do not keep each other busy for ever while no time passes"},
          },
      .sometimes = {{"actor: a mailbox was full", "a question was answered `overloaded`, or a tell dropped"}},
  };
  return spec;
}

const std::vector<const sim::WorkloadSpec*>& all_workloads() {
  static const std::vector<const sim::WorkloadSpec*> all{&peers::workload(), &files::workload(), &dht::workload()};
  return all;
}

}  // namespace troupe::apps
