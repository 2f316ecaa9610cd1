#pragma once
// Reads and writes the contents of messages/access.capnp.
#include "actors/access/api.hpp"
#include "actors/access/logic/key.hpp"
#include "runtime/base/error.hpp"

namespace troupe::access {

void write(wire::Key::Builder out, const std::string& id, const Key& key);
/// Returns nullopt if the message does not contain a valid key.
std::optional<std::pair<std::string, Key>> read(wire::Key::Reader from);

void write(wire::Thing::Builder out, const Thing& thing);
base::Outcome<std::vector<Thing>> read(capnp::List<wire::Thing>::Reader from);

wire::Role wire_of(Role role);

}  // namespace troupe::access
