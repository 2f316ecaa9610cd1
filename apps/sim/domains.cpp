#include "apps/sim/domains.hpp"

#include <algorithm>

#include "actors/files/sim.hpp"
#include "actors/peers/sim.hpp"

namespace troupe::apps {

const std::vector<const sim::Domain*>& sim_domains() {
  static const std::vector<std::unique_ptr<sim::Domain>> made = [] {
    std::vector<std::unique_ptr<sim::Domain>> all;
    all.push_back(peers::peers_domain());
    all.push_back(files::files_domain());
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
