#pragma once
// What each peer has stored here, and which peer has most: that one makes room.
//
// Why     places near a node are free to choose, ids cost work. If the farthest record made room, a few ids that store
//         near by would push out all others; so they push out one another, and no peer that has less.
// Memory  64 B a thing, 200 B a peer.
// Owner   Held, one for each space, and Providers; not thread-safe.
#include <map>
#include <optional>
#include <set>

#include "actors/dht/logic/contact.hpp"

namespace troupe::dht {

class PeerUsage {
 public:
  /// Notes what `storer` has at a distance from the own id, where it has nothing yet.
  void add(const base::NodeId& storer, const Key& distance, std::uint64_t weight);
  /// The same weight again.
  void remove(const base::NodeId& storer, const Key& distance, std::uint64_t weight);

  std::uint64_t weight_of(const base::NodeId& storer) const;
  std::size_t storers() const { return per_peer_.size(); }

  struct Most {
    std::uint64_t weight;
    base::NodeId storer;
    const std::set<Key>* distances;  ///< not empty; valid until the next change
  };
  /// The greatest share, of equal ones that with the farthest; nothing if there is none.
  std::optional<Most> most() const;
  /// The greatest of those below that one; nothing if it is the last.
  std::optional<Most> next(const Most& one) const;

 private:
  struct Share {
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
  static Rank rank_of(const All::value_type& one) {
    return {one.second.weight, *one.second.distances.rbegin(), one.first};
  }

  Most most(const Rank& rank) const {
    return {rank.weight, rank.storer, &per_peer_.find(rank.storer)->second.distances};
  }

  All per_peer_;
  std::set<Rank> order_;  // of each share
};

}  // namespace troupe::dht
