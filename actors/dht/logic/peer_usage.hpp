#pragma once
// What each peer has stored here, and which makes room: the peer with most of the address group with most.
//
// Why     places near a node are free to choose, ids cost work, and one site has as many as it works for. If the
//         farthest record made room, a few ids that store near by would push out all others; so they push out one
//         another, and no group that has less, within a group no peer. ShareBudget (runtime/base/share_budget.hpp)
//         chooses the same way, by a walk over all groups, and knows no distances.
// Unknown a peer whose address is not known is a group by itself.
// Memory  64 B a thing, 230 B a peer, 200 B a group.
// Owner   Held, one for each space, and Providers; not thread-safe.
#include <map>
#include <optional>
#include <set>
#include <variant>

#include "actors/dht/logic/contact.hpp"
#include "actors/dht/logic/group.hpp"

namespace troupe::dht {

/// What one operator is taken to hold: an address group, or a peer of which none is known.
using Site = std::variant<Group, base::NodeId>;

inline Site site_of(const base::NodeId& peer, const std::optional<Group>& network) {
  return network ? Site(*network) : Site(peer);
}

class PeerUsage {
 public:
  /// Notes what `storer` has at a distance from the own id, where it has nothing yet. From now on it is at `site`.
  void add(const base::NodeId& storer, const Site& site, const Key& distance, std::uint64_t weight);
  /// The same weight again.
  void remove(const base::NodeId& storer, const Key& distance, std::uint64_t weight);
  /// A storer takes along what it has.
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
  /// The greatest share of the site with most, of equal ones that with the farthest; nothing if there is none.
  std::optional<Most> most() const;
  /// The next of that site, then of the sites below it; nothing if it is the last.
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
  std::set<SiteRank> order_;  // of each site
};

}  // namespace troupe::dht
