#include "apps/sim/domains.hpp"

#include <algorithm>

#include "actors/dht/sim.hpp"
#include "actors/files/sim.hpp"
#include "actors/peers/sim.hpp"

namespace troupe::apps {

const sim::DomainCard& world_card() {
  static const sim::DomainCard card{
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
  return card;
}

const std::vector<const sim::Domain*>& sim_domains() {
  static const std::vector<std::unique_ptr<sim::Domain>> made = [] {
    std::vector<std::unique_ptr<sim::Domain>> all;
    all.push_back(peers::peers_domain());
    all.push_back(files::files_domain());
    all.push_back(dht::dht_domain());
    return all;
  }();
  static const std::vector<const sim::Domain*> all = [] {
    std::vector<const sim::Domain*> out;
    for (const auto& one : made) out.push_back(one.get());
    return out;
  }();
  return all;
}

const sim::Domain* sim_domain(std::string_view name) {
  const auto& all = sim_domains();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const sim::Domain* one) { return one->card().name == name; });
  return found == all.end() ? nullptr : *found;
}

const sim::DomainCard* domain_card(std::string_view name) {
  const sim::Domain* domain = sim_domain(name);
  return domain == nullptr ? nullptr : &domain->card();
}

}  // namespace troupe::apps
