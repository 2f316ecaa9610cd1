#pragma once
// What an actor handle represents: an actor of this node, or an actor of a remote node.
//
// A proxy's CAF node id carries the other node's 160-bit id and, in place of CAF's process number, the role of its
// link. So `sender()` is enough for a handler to identify the caller. One more bit there says that the caller accepts
// one response per request and no stream.
#include <caf/actor_proxy.hpp>
#include <caf/actor_system.hpp>
#include <caf/node_id.hpp>

#include "runtime/actor/actor.hpp"

namespace troupe::runtime {

/// A proxy that can be the sender of a message. Called from any thread.
class Proxy : public caf::actor_proxy {
 public:
  using caf::actor_proxy::actor_proxy;
  /// Returns the proven address to which its messages are sent, or nullopt.
  virtual std::optional<base::Endpoint> proven_at() const = 0;
};

/// The responses that a proxy accepts.
enum class Takes : std::uint32_t {
  streams = 0,       ///< behind a link
  one_answer = 256,  ///< reached by datagram
};
inline constexpr std::uint32_t kRoleMask = 255;

/// Returns the CAF node id of a proxy for actors on `node`, which have the rights of `role` on this node.
inline caf::node_id remote_node_id(const base::NodeId& node, messages::Role role, Takes takes = Takes::streams) {
  return caf::make_node_id(static_cast<std::uint32_t>(role) | static_cast<std::uint32_t>(takes), node.bytes);
}

/// Returns the data in the CAF node id of `whom`; null for an actor of this node.
inline const caf::node_id::default_data* remote_data_of(const caf::actor_control_block& whom,
                                                        const caf::actor_system& system) {
  if (whom.nid == system.node()) return nullptr;
  if (!whom.nid || whom.nid->implementation_id() != caf::node_id::default_data::class_id) return nullptr;
  return static_cast<const caf::node_id::default_data*>(whom.nid.operator->());
}

inline bool takes_streams(const caf::actor_control_block& whom, const caf::actor_system& system) {
  const auto* data = remote_data_of(whom, system);
  return data == nullptr || (data->process_id() & static_cast<std::uint32_t>(Takes::one_answer)) == 0;
}

/// Returns the node of a proxy; nullopt for an actor of this node.
inline std::optional<base::NodeId> node_of(const caf::actor_control_block& whom, const caf::actor_system& system) {
  const auto* data = remote_data_of(whom, system);
  return data == nullptr ? std::nullopt : std::optional(base::NodeId{data->host_id()});
}

inline Caller caller_of(caf::actor_control_block& whom, const caf::actor_system& system) {
  Caller out;
  out.handle = caf::actor_cast<Handle>(&whom);
  const auto* data = remote_data_of(whom, system);
  if (data == nullptr) return out;
  out.role = static_cast<messages::Role>(data->process_id() & kRoleMask);
  out.node = node_of(whom, system);
  out.by_datagram = (data->process_id() & static_cast<std::uint32_t>(Takes::one_answer)) != 0;
  if (const auto* proxy = dynamic_cast<const Proxy*>(whom.get())) out.at = proxy->proven_at();
  return out;
}

}  // namespace troupe::runtime
