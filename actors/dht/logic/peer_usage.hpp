#pragma once
// How much each peer has stored here, and which peer loses data when space runs out: the largest in the largest group.
//
// Why     anyone can choose keys near a node, ids cost work, and one operator has as many ids as it pays work for. If
//         always the farthest record were evicted, a few ids that store near keys would push out all other data. Here
//         these ids evict each other's records, and no record of a group or peer that has less. ShareBudget
//         (runtime/base/share_budget.hpp) chooses in the same way, but scans all groups and knows no distances.
// Unknown a peer without a known address is its own group.
// Memory  64 B per item, 230 B per peer, 200 B per group.
// Owner   Held, one per space, and Providers; not thread-safe.
#include <map>
#include <optional>
#include <set>
#include <variant>

#include "actors/dht/logic/contact.hpp"
#include "actors/dht/logic/group.hpp"

namespace troupe::dht {

/// An address group, or a peer whose group is unknown: the unit that stands for one operator.
using Site = std::variant<Group, base::NodeId>;

inline Site site_of(const base::NodeId& peer, const std::optional<Group>& network) {
  return network ? Site(*network) : Site(peer);
}

class PeerUsage {
 public:
  /// Adds an item of `storer` at a distance from the local id where the peer has no item yet. From now on the peer is
  /// at `site`.
  void add(const base::NodeId& storer, const Site& site, const Key& distance, std::uint64_t weight);
  /// Removes an item; pass the same weight again.
  void remove(const base::NodeId& storer, const Key& distance, std::uint64_t weight);
  /// Moves a peer with all its items.
  void move(const base::NodeId& storer, const Site& site);

  std::uint64_t weight_of(const base::NodeId& storer) const;
  std::uint64_t weight_of(const Site& site) const;
  std::size_t storers() const { return per_peer_.size(); }

  struct Most {
    std::uint64_t of_site;
    Site site;
    std::uint64_t weight;
    base::NodeId storer;
    const std::set<Key>* distances;  ///< not empty; valid until the next change
  };
  /// Returns the largest peer of the largest site; at a tie the peer with the farthest item; nullopt if there is none.
  std::optional<Most> most() const;
  /// Returns the next peer of that site, then of smaller sites; nullopt after the last.
  std::optional<Most> next(const Most& one) const;

 private:
  struct Share {
    Site site;
    std::uint64_t weight = 0;
    std::set<Key> distances;
  };
  using All = std::map<base::NodeId, Share>;
  struct Rank {
    std::uint64_t weight;
    Key farthest;
    base::NodeId storer;
    friend auto operator<=>(const Rank&, const Rank&) = default;
  };
  struct Peers {  // of a site
    std::uint64_t weight = 0;
    std::set<Rank> order;
  };
  struct SiteRank {
    std::uint64_t weight;
    Rank largest;
    friend auto operator<=>(const SiteRank&, const SiteRank&) = default;
  };
  static Rank rank_of(const All::value_type& one) {
    return {one.second.weight, *one.second.distances.rbegin(), one.first};
  }
  static SiteRank rank_of(const Peers& peers) { return {peers.weight, *peers.order.rbegin()}; }

  void leave(const All::value_type& share);
  void enter(const All::value_type& share);
  Most most(const Rank& rank) const;

  All per_peer_;
  std::map<Site, Peers> per_site_;
  std::set<SiteRank> order_;  // the rank of each site
};

}  // namespace troupe::dht
