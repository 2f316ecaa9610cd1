#pragma once
// The links of a node as its domains see them: which nodes are linked, and how to reach an actor of another node.
// net::Pool implements it.
//
// Safety  any thread.
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "messages/kinds.hpp"
#include "runtime/base/contact.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"
#include "runtime/ports/handle.hpp"

namespace troupe::runtime {

/// The known facts about one link in service.
struct LinkInfo {
  base::NodeId node;
  base::Contact contact;  ///< its endpoint is the dialled address, or the source of the stream
  messages::Role role = messages::Role::peer;
  base::Digest token;  ///< the same at both ends, and unique to the link
  bool outbound = false;
  std::uint64_t sent = 0;  ///< bytes, as encrypted
  std::uint64_t received = 0;
  base::Instant since;
};

class Links {
 public:
  virtual ~Links() = default;

  /// Returns this node's id.
  virtual base::NodeId self() const = 0;

  /// Returns the links in service, in the order in which they came into service.
  virtual std::vector<LinkInfo> rows() const = 0;
  /// Returns the link in service to that node in the role of a peer, or nullopt if there is none.
  virtual std::optional<LinkInfo> find(const base::NodeId& id) const = 0;
  virtual bool linked(const base::NodeId& id) const = 0;
  /// Returns whether, at the last check, a request that this node sent to node `id` still waited for its response.
  virtual bool owes_answer(const base::NodeId& id) const = 0;

  /// Returns a handle for the actor `path` on another node; dials if there is no link yet. Null if `id` is this node,
  /// or a limit is reached.
  virtual Handle remote(const base::NodeId& id, const std::string& path) = 0;
  /// Does the same for a node with a known address; the caller has checked its id.
  virtual Handle remote(const base::Contact& contact, const std::string& path) = 0;
  /// Does the same at the address `where`; without `where`, it requests the address from `/peers`.
  virtual Handle remote_at(const base::NodeId& id, const std::optional<base::HostPort>& where,
                           const std::string& path) = 0;
  /// Does the same, but only over a link in service: never dials, and returns null if there is no link.
  virtual Handle over_link(const base::NodeId& id, const std::string& path) = 0;

  /// Sets the partner nodes of one part of this node (`whose`), in place of its earlier partners. Messages of partners
  /// have no rate limit.
  virtual void set_partners(std::string_view whose, std::set<base::NodeId> nodes) = 0;

  /// Returns when another process last proved this node's id, or nullopt if none has since the start.
  virtual std::optional<base::Instant> own_id_met() const = 0;
};

}  // namespace troupe::runtime
