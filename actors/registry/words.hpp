#pragma once
// What messages of the registry carry, read: a node as a list names it (messages/registry.capnp: NodeRow).
#include "actors/registry/api.hpp"
#include "messages/registry.capnp.h"

namespace troupe::registry {

struct Listed {
  Registration registration;
  Heartbeat beat;
  Status status = Status::offline;
  std::uint64_t heard_ms = 0;
  std::uint32_t watchers = 0;
  std::uint64_t verified_until_ms = 0;  ///< as that node thinks; 0: it is not
  base::AddressGroup site{};            ///< its watchers hear it from there; where none has told: as it claims
};
/// The site that a row names, or that of the address which the node claims.
base::AddressGroup site_of(base::ByteView told, const Registration& node);
/// Nothing if the row cannot be read.
std::optional<Listed> read(wire::NodeRow::Reader from);

}  // namespace troupe::registry
