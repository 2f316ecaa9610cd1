#pragma once
// Which nodes are where in the key space, as the searches of the last seconds found it: one search places
// many contents.
//
// Reach   if the farthest node found shares p bits with the target, all nodes that share more were found: they are the
//         nearest of each position that shares p + 1 bits. Within the reach of the last search, no second one begins.
// Time    a neighbourhood counts for kNeighboursFresh, an empty one for kNobodyFresh.
// Limits  kNeighbourhoodsMax; one more takes the place of the oldest.
// Owner   one actor; not thread-safe. Reads no clock and sends nothing.
#include <cstdint>
#include <deque>
#include <vector>

#include "actors/dht/api.hpp"
#include "runtime/base/time.hpp"

namespace troupe::files {

inline constexpr std::size_t kNeighbourhoodsMax = 512;       // our choice: 1 MiB
inline constexpr std::chrono::seconds kNeighboursFresh{30};  // our choice: who has died since is passed over by the put
inline constexpr std::chrono::seconds kNobodyFresh{2};       // our choice: a start takes some seconds to find others

class Neighbourhoods {
 public:
  /// Those around `position`, or null if a search has to find them. Valid until the next call of found().
  const std::vector<dht::Contact>* find(const base::NodeId& position, base::Instant now) const;

  /// Whether a search for `target` that is under way will probably tell of `position`, too.
  bool likely(const base::NodeId& target, const base::NodeId& position) const;

  /// What a search for `target` has found.
  void found(const base::NodeId& target, std::vector<dht::Contact> nodes, base::Instant now);

  std::size_t size() const { return all_.size(); }

 private:
  struct Neighbourhood {
    base::NodeId target;
    std::size_t reach;  // bits
    std::vector<dht::Contact> nodes;
    base::Instant until;
  };

  std::deque<Neighbourhood> all_;  // the oldest first
  std::size_t reach_ = 0;          // of the last
};

}  // namespace troupe::files
