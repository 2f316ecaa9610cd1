#pragma once
// Who an actor handle stands for: an actor of this node, or what lives behind a link.
//
// A proxy's CAF node id carries the other node's 160-bit id and, where CAF keeps a process number, the role of
// its link. So `sender()` alone tells a handler who asks.
#include <caf/actor_system.hpp>
#include <caf/node_id.hpp>

#include "runtime/actor/actor.hpp"

namespace troupe::runtime {

/// The CAF node id of a proxy behind a link of `role` to `node`.
inline caf::node_id remote_node_id(const base::NodeId& node, messages::Role role) {
  return caf::make_node_id(static_cast<std::uint32_t>(role), node.bytes);
}

inline Caller caller_of(const caf::actor_control_block& whom, caf::actor_system& system) {
  if (whom.nid == system.node()) return {};
  if (!whom.nid || whom.nid->implementation_id() != caf::node_id::default_data::class_id) return {};
  const auto& data = static_cast<const caf::node_id::default_data&>(*whom.nid.operator->());
  Caller out;
  out.role = static_cast<messages::Role>(data.process_id());
  out.node.emplace();
  out.node->bytes = data.host_id();
  return out;
}

}  // namespace troupe::runtime
