#pragma once
// Decodes rows of the registry's lists (messages/registry.capnp: NodeRow).
#include "actors/registry/api.hpp"
#include "messages/registry.capnp.h"

namespace troupe::registry {

struct Listed {
  Registration registration;
  Heartbeat beat;
  Status status = Status::offline;
  std::uint64_t heard_ms = 0;
  std::uint32_t watchers = 0;
  std::uint64_t verified_until_ms = 0;  ///< in the view of the node that made the list; 0: not verified
  base::AddressGroup site{};            ///< from which its heartbeats reach its watchers; otherwise as claimed
};
/// Returns the address group in a row, or the group of the address that the node claims.
base::AddressGroup site_of(base::ByteView told, const Registration& node);
/// Returns nullopt if the row is malformed.
std::optional<Listed> read(wire::NodeRow::Reader from);

}  // namespace troupe::registry
