#pragma once
// What the actors below FilesActor share: which nodes they may ask for contents, and how.
#include <algorithm>
#include <deque>
#include <map>
#include <vector>

#include "actors/dht/api.hpp"
#include "actors/files/logic/fetch.hpp"
#include "actors/files/logic/placement.hpp"
#include "actors/files/settings.hpp"
#include "actors/files/wire.hpp"
#include "messages/common.capnp.h"
#include "messages/contact.hpp"
#include "messages/peers.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/base/address_group.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/net/misbehaved.hpp"

namespace troupe::files {

inline constexpr std::chrono::seconds kAnswerTravels{1};  // of the time for an answer; our choice
inline constexpr std::uint16_t kHoldersSought = 20;       // our choice: as many as one answer names

/// Candidates and further nodes, each once, at most kCandidatesMax; the hints stay where not all have room.
inline std::vector<base::NodeId> with_hints(std::vector<base::NodeId> candidates,
                                            const std::vector<base::NodeId>& hints) {
  candidates.resize(std::min(candidates.size(), kCandidatesMax - std::min(hints.size(), kCandidatesMax)));
  candidates.insert(candidates.end(), hints.begin(),
                    hints.begin() + static_cast<std::ptrdiff_t>(std::min(hints.size(), kCandidatesMax)));
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  return candidates;
}

/// Where nodes live that only the DHT knows: the kCandidatesMax that were found last.
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

  /// The holder of a node; null if there is no way to it.
  runtime::Handle holder(const base::NodeId& id) const {
    if (id == settings_.self) return node().find(kHolderPath);
    const base::Contact* const met = met_.find(id);
    return met == nullptr ? node().remote(id, kHolderPath) : node().remote(*met, kHolderPath);
  }

  /// Calls back with what the DHT knows of a content's holders; nothing if there is no DHT.
  template <class F>
  void find_holders(const ContentKey& key, F found) {
    ask<dht::wire::Search, dht::wire::SearchResult>(
        node().find(settings_.dht), now() + settings_.answer_timeout,
        [&](dht::wire::Search::Builder search) {
          search.setKey(data_of(key.position().view()));
          search.getGoal().setProviders(kHoldersSought);
          search.setSeconds(static_cast<std::uint16_t>(
              std::chrono::duration_cast<std::chrono::seconds>(settings_.answer_timeout - kAnswerTravels).count()));
        },
        [this, found = std::move(found)](runtime::Answer<dht::wire::SearchResult> answer) mutable {
          HoldersFound out{.announced = {}, .nearest = {}, .unheard = in_dht()};
          if (answer.ok()) {
            meet(answer.value().getProviders(), out.announced);
            meet(answer.value().getNearest(), out.nearest);
            out.unheard = dht::unheard(answer.value());
          }
          found(out);
        });
  }

  /// Whether there is a DHT to be asked.
  bool in_dht() const { return static_cast<bool>(node().find(settings_.dht)); }

  /// Calls back with the nodes near a position as the DHT found them, this node among them; none if it found none.
  template <class F>
  void find_places(const base::NodeId& position, F found) {
    ask<wire::FindPlaces, wire::Places>(
        node().find(kPlacementPath), now() + 2 * settings_.answer_timeout,
        [&](wire::FindPlaces::Builder out) { out.setPosition(data_of(position.view())); },
        [this, found = std::move(found)](runtime::Answer<wire::Places> answer) mutable {
          std::vector<base::NodeId> nodes;
          if (answer.ok()) meet(answer.value().getNodes(), nodes);
          if (!nodes.empty()) nodes.push_back(settings_.self);
          found(std::move(nodes));
        });
  }

  /// Calls back with this node and all that the peers domain knows; with this node alone if that does not answer.
  template <class F>
  void find_candidates(F found) {
    ask<peers::wire::ListKnown, peers::wire::KnownContacts>(
        node().find(settings_.peers), now() + settings_.answer_timeout, [](peers::wire::ListKnown::Builder) {},
        [this, found = std::move(found)](runtime::Answer<peers::wire::KnownContacts> answer) mutable {
          std::vector<base::NodeId> nodes{settings_.self};
          sites_.clear();
          if (answer.ok()) {
            for (const auto one : answer.value().getList()) {
              const base::Contact contact = messages::read_contact(one);
              nodes.push_back(crypto::node_id(contact.key, contact.nonce));
              note_site(nodes.back(), contact.endpoint);
              if (nodes.size() == kCandidatesMax) break;
            }
          }
          std::sort(nodes.begin(), nodes.end());
          nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
          found(std::move(nodes));
        });
  }

  /// Another node has sent bytes that are not what their id says: no honest node does, because a store finds its own
  /// damage first, and they cost milliseconds of hashing.
  void accuse(const base::NodeId& sender) {
    if (sender == settings_.self) return;
    tell<net::wire::Misbehaved>(node().find(net::kPeersPath), [&](net::wire::Misbehaved::Builder out) {
      net::write_misbehaved(out, sender, net::wire::Violation::BAD_RECORD, "a content that is not what its id says");
    });
  }

  const FilesSettings settings_;
  MetNodes met_;
  Sites sites_;  // of candidates and of nodes met; at most kSitesMax

 private:
  static constexpr std::size_t kSitesMax = 2 * kCandidatesMax;

  /// Nodes on this machine count for no site, and of those that cannot be dialled the address is not known.
  void note_site(const base::NodeId& id, const base::Endpoint& at) {
    if (!at.dialable() || at.is_loopback()) return;
    if (sites_.size() >= kSitesMax && !sites_.contains(id)) sites_.erase(sites_.begin());
    sites_.insert_or_assign(id, base::group_of(at));
  }

  /// Notes where they live, and adds their ids; without this node.
  void meet(capnp::List<messages::wire::Contact>::Reader list, std::vector<base::NodeId>& nodes) {
    for (const auto one : list) {
      const base::Contact contact = messages::read_contact(one);
      const base::NodeId id = crypto::node_id(contact.key, contact.nonce);
      if (id == settings_.self) continue;
      met_.add(id, contact);
      note_site(id, contact.endpoint);
      nodes.push_back(id);
    }
  }
};

}  // namespace troupe::files
