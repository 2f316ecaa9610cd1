#pragma once
// Writes the row of a node as JSON, for RegistryRow and RegistryView.
#include "apps/cli/json.hpp"
#include "apps/registry/registry.hpp"
#include "messages/codec.hpp"
#include "messages/output/registry.capnp.h"

namespace troupe::apps::registries {

void write_capabilities(output::wire::Capabilities::Builder to, const registry::Capabilities& all);

template <class Builder>
void write(Builder to, const Row& row) {
  to.setNode(data(row.registration.id().view()));
  to.setStatus(std::string(name(row.status)));
  write_capabilities(to.initCapabilities(), row.registration.capabilities);
  if (row.registration.price) to.setPrice(std::to_string(*row.registration.price));
  to.getHeartbeatAgeS().setValue(row.heard_ms / 1'000);
  to.setOwner(data(row.registration.owner.view()));
  to.setReputation(static_cast<std::uint32_t>(row.reputation));
  to.setVerified(row.verified_until_ms > 0);
}

}  // namespace troupe::apps::registries
