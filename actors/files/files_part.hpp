#pragma once
// Common parts of the actors below FilesActor: which nodes they may ask for objects, and how.
#include <algorithm>
#include <deque>
#include <map>
#include <vector>

#include "actors/files/logic/fetch.hpp"
#include "actors/files/logic/placement.hpp"
#include "actors/files/settings.hpp"
#include "actors/files/wire.hpp"
#include "messages/common.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/base/address_group.hpp"
#include "runtime/base/callback.hpp"

namespace troupe::files {

inline constexpr std::chrono::seconds kAnswerTravels{1};  // part of the time for a response; our choice

/// Returns the candidates and the hints, each node once. Above kCandidatesMax, candidates are left out.
inline std::vector<base::NodeId> with_hints(std::vector<base::NodeId> candidates,
                                            const std::vector<base::NodeId>& hints) {
  candidates.resize(std::min(candidates.size(), kCandidatesMax - std::min(hints.size(), kCandidatesMax)));
  candidates.insert(candidates.end(), hints.begin(),
                    hints.begin() + static_cast<std::ptrdiff_t>(std::min(hints.size(), kCandidatesMax)));
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  return candidates;
}

/// Addresses of nodes that only the DHT knows: the kCandidatesMax found last.
class MetNodes {
 public:
  const base::Contact* find(const base::NodeId& id) const {
    const auto at = by_id_.find(id);
    return at == by_id_.end() ? nullptr : &at->second;
  }
  void add(const base::NodeId& id, const base::Contact& contact) {
    if (by_id_.insert_or_assign(id, contact).second) oldest_first_.push_back(id);
    if (by_id_.size() <= kCandidatesMax) return;
    by_id_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }

 private:
  std::map<base::NodeId, base::Contact> by_id_;
  std::deque<base::NodeId> oldest_first_;
};

class FilesPart : public runtime::Actor {
 protected:
  explicit FilesPart(FilesSettings settings) : settings_(std::move(settings)) {}

  /// Returns the holder of a node, or null if there is no route to it.
  runtime::Handle holder(const base::NodeId& id) const {
    if (id == settings_.self) return node().find(kHolderPath);
    const base::Contact* const met = met_.find(id);
    return met == nullptr ? node().remote(id, kHolderPath) : node().remote(*met, kHolderPath);
  }

  /// Calls back with what the DHT knows about an object's holders; empty if there is no DHT.
  void find_holders(const ContentKey& key, base::Callback<void(const HoldersFound&)> found);

  /// Returns whether there is a DHT.
  bool in_dht() const { return static_cast<bool>(node().find(settings_.dht)); }

  /// Calls back with the nodes near a position as the DHT found them, including this node; empty if it found none.
  void find_places(const base::NodeId& position, base::Callback<void(std::vector<base::NodeId>)> found);

  /// Calls back with this node and all nodes that the peers domain knows; only this node if it does not respond.
  void find_candidates(base::Callback<void(std::vector<base::NodeId>)> found);

  /// Reports a node that sent bytes that do not match their id. No honest node does, because a store finds its own
  /// corruption first, and such bytes cost milliseconds of hashing.
  void accuse(const base::NodeId& sender);

  const FilesSettings settings_;
  MetNodes met_;
  Sites sites_;  // of candidates and known nodes; at most kSitesMax

 private:
  static constexpr std::size_t kSitesMax = 2 * kCandidatesMax;

  /// Notes the address group of a node. Nodes on this machine, and nodes that cannot be dialled, have no group.
  void note_site(const base::NodeId& id, const base::Endpoint& at);

  /// Notes the addresses of these contacts, and adds their ids to `nodes`, except for this node.
  void meet(capnp::List<messages::wire::Contact>::Reader list, std::vector<base::NodeId>& nodes);
};

}  // namespace troupe::files
