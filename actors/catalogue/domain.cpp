// The catalogues of files of groups, as a domain of a node.
#include "actors/catalogue/catalogue_actor.hpp"
#include "actors/node/api.hpp"

namespace troupe::catalogue {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = config::duration(
    "catalogue.look", "1m", 100ms, 1h, config::When::start,
    "time between two checks for groups whose files this node maintains; changes are also reported at once");
constexpr auto kSettings = std::to_array<config::Setting>({kLook});

node::Domain make(const node::DomainParts& parts) {
  const CatalogueSettings settings{
      .self = parts.links->self(), .look = parts.settings.get(kLook), .log = parts.domain_log};
  return {.name = "catalogue",
          .factory = [settings] { return std::make_unique<CatalogueActor>(settings); },
          .options = {.kind = CatalogueActor::kName}};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{.name = "catalogue", .settings = kSettings, .logs = true, .make = make};
  return spec;
}

}  // namespace troupe::catalogue
