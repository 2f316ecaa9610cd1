// The root as a domain of a node: the host makes its actor, which contains all others.
#include "actors/node/api.hpp"
#include "actors/node/settings.hpp"

namespace troupe::node {

static constexpr auto kSettings = std::to_array<config::Setting>({kNodeName});

const DomainSpec& domain() {
  static const DomainSpec spec{.name = "node", .settings = kSettings};
  return spec;
}

}  // namespace troupe::node
