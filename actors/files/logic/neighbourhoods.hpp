#pragma once
// Which nodes are where in the key space, from the searches of the last seconds. One search serves many objects.
//
// Reach   if the farthest node found shares p bits with the target, all nodes that share more were found. They are the
//         nearest to each position that shares p + 1 bits. No second search begins within the reach of the last search.
// Time    a neighbourhood counts for kNeighboursFresh, an empty neighbourhood for kNobodyFresh.
// Limits  kNeighbourhoodsMax; a further neighbourhood replaces the oldest.
// Owner   one actor; not thread-safe. Reads no clock and sends nothing.
#include <cstdint>
#include <deque>
#include <vector>

#include "actors/dht/api.hpp"
#include "runtime/base/time.hpp"

namespace troupe::files {

inline constexpr std::size_t kNeighbourhoodsMax = 512;       // our choice: 1 MiB
inline constexpr std::chrono::seconds kNeighboursFresh{30};  // our choice: the put skips nodes that have died since
inline constexpr std::chrono::seconds kNobodyFresh{2};       // our choice: after a start it takes some seconds to find
                                                             // other nodes

class Neighbourhoods {
 public:
  /// Returns the nodes around `position`, or null if a search has to find them. Valid until the next call of found().
  const std::vector<dht::Contact>* find(const base::NodeId& position, base::Instant now) const;

  /// Returns whether a running search for `target` will probably cover `position`, too.
  bool likely(const base::NodeId& target, const base::NodeId& position) const;

  /// Adds the result of a search for `target`.
  void found(const base::NodeId& target, std::vector<dht::Contact> nodes, base::Instant now);

  std::size_t size() const { return all_.size(); }

 private:
  struct Neighbourhood {
    base::NodeId target;
    std::size_t reach;  // bits
    std::vector<dht::Contact> nodes;
    base::Instant until;
  };

  std::deque<Neighbourhood> all_;  // oldest first
  std::size_t reach_ = 0;          // reach of the last search
};

}  // namespace troupe::files
