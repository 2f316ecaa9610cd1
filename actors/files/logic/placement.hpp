#pragma once
// Which nodes a content belongs to: the nearest to ContentKey::position() by XOR, whatever the order of the candidates.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.1 (distance).
// Near    nodes that a search around that position found come first: they are the nearest of the network and have just
//         answered. Other nodes that this one knows come after them.
#include <cstddef>
#include <span>
#include <vector>

#include "runtime/base/ids.hpp"

namespace troupe::files {

inline constexpr std::size_t kCandidatesMax = 1024;  // our choice: above what a node keeps as known peers

/// The at most `count` candidates nearest to `position`, the nearest first. A candidate given twice counts once.
std::vector<base::NodeId> nearest(std::span<const base::NodeId> candidates, const base::NodeId& position,
                                  std::size_t count);

/// All of `near` and `known`, each once: those of `near` from the nearest on, then the others from the nearest on.
std::vector<base::NodeId> order_of_candidates(std::span<const base::NodeId> near, std::span<const base::NodeId> known,
                                              const base::NodeId& position);

}  // namespace troupe::files
