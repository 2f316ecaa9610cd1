#pragma once
// A node's settings for its groups.
#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "actors/raft/api.hpp"
#include "actors/raft/counters.hpp"
#include "actors/raft/logic/settings.hpp"
#include "runtime/actor/links.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::raft {

struct RaftSettings {
  base::NodeId self;
  std::shared_ptr<runtime::Links> links;
  std::function<base::Endpoint()> endpoint;  ///< this node's address for other nodes
  Settings core;
  std::uint64_t snapshot_after_entries = 100'000;
  std::uint64_t snapshot_after_bytes = std::uint64_t{64} << 20;
  std::size_t groups_max = 1'024;
  std::uint64_t sessions_kept_ms = 3'600'000, sessions_max = 1'000'000;
  std::uint64_t rows_max = 0;  ///< memory for keys (GroupStatus, messages/raft.capnp); 0: a part of the machine's
  std::uint64_t revisions_max = 1'000'000, revision_bytes_max = std::uint64_t{8} << 20,
                history_bytes_max = std::uint64_t{1} << 30;
  base::Duration revisions_kept = std::chrono::hours{1};
  MakeMachine machine{};                       ///< makes its groups' state machines; empty: the key-value store
  std::vector<base::NodeId> invites, clients;  ///< in addition to nodes on loopback
  bool invited_by_all = false, serves_all = false;
  std::string store = "/store";  ///< for the rows that name the groups
  std::string directory = "raft";
  /// Whether a log actor has the logs open. An actor that is still blocked on its device must not write after its
  /// successor has started.
  std::shared_ptr<std::atomic_bool> log_open = std::make_shared<std::atomic_bool>(false);
  /// Whether the device of the logs is nearly full.
  std::shared_ptr<std::atomic_bool> short_of_room = std::make_shared<std::atomic_bool>(false);
  observe::Health* health = nullptr;  ///< outlives the node
  observe::DomainLog log{};
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();
};

using SharedSettings = std::shared_ptr<const RaftSettings>;

/// Returns whether the caller is an operator, on loopback, or in `raft.clients`.
inline bool is_client(const RaftSettings& settings, const runtime::Caller& from) {
  return from.role != messages::Role::peer || !from.node || settings.serves_all ||
         (from.at && from.at->is_loopback()) ||
         std::find(settings.clients.begin(), settings.clients.end(), *from.node) != settings.clients.end();
}
inline base::Error stranger() {
  return {base::Code::refused, "this node accepts no commands for the group from that node: add it to raft.clients"};
}
/// Returns whether the caller may send commands to the group at this member: clients as above, and other members.
inline bool may_command(const RaftSettings& settings, const Group& group, const runtime::Caller& from) {
  return is_client(settings, from) || group.has(*from.node);
}

/// Returns whether this node trusts that node's information about groups and their members, and its invitations: a node
/// on loopback, a node that this node is to join by its id, or a node in `raft.invites`.
inline bool is_trusted(const RaftSettings& settings, const base::NodeId& node,
                       const std::optional<base::Endpoint>& at) {
  return settings.invited_by_all || (at && at->is_loopback()) ||
         std::find(settings.invites.begin(), settings.invites.end(), node) != settings.invites.end();
}

}  // namespace troupe::raft
