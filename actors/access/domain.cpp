// The keys of the HTTP API, as a domain of a node.
#include "actors/access/access_actor.hpp"
#include "actors/access/sim.hpp"
#include "actors/node/api.hpp"

namespace troupe::access {
namespace {

using config::When;

constexpr auto kKeysMax =
    config::count("access.keys_max", "1024", 1, 100'000, When::start, "keys of the HTTP API that may exist at once");
constexpr auto kThingsMax =
    config::count("access.things_max", "1000000", 1'000, 1'000'000'000, When::start,
                  "files, keys of the store, values and tasks that may belong to keys of the HTTP API");
constexpr auto kSettings = std::to_array<config::Setting>({kKeysMax, kThingsMax});
constexpr std::string_view kHealthSources[] = {kRows, "access-owners"};

node::Domain make(const node::DomainParts& parts) {
  AccessSettings settings;
  settings.keys_max = parts.settings.get(kKeysMax);
  settings.things_max = parts.settings.get(kThingsMax);
  settings.health = parts.health;
  settings.log = parts.domain_log;
  return {.name = "access",
          .factory = [settings] { return std::make_unique<AccessActor>(settings); },
          .options = {.kind = AccessActor::kName}};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{.name = "access",
                                     .settings = kSettings,
                                     .logs = true,
                                     .health = kHealthSources,
                                     .make = make,
                                     .workload = workload};
  return spec;
}

}  // namespace troupe::access
