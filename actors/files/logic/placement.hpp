#pragma once
// Which nodes a content belongs to: the nearest to ContentKey::position() by XOR, whatever the order of the candidates.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.1 (distance).
// Near    nodes that a search around that position found come first: they are the nearest of the network and have just
//         answered. Other nodes that this one knows come after them.
// Sites   of either kind, the nodes of an address group come in turn with those of others: one site gets a second copy
//         once each other site has one. Nodes whose group is not known stay behind those that are nearer.
#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "runtime/base/address_group.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::files {

inline constexpr std::size_t kCandidatesMax = 1024;  // our choice: above what a node keeps as known peers

/// The at most `count` candidates nearest to `position`, the nearest first. A candidate given twice counts once.
std::vector<base::NodeId> nearest(std::span<const base::NodeId> candidates, const base::NodeId& position,
                                  std::size_t count);

/// Where nodes live. Those of loopback, and those whose address is not known, are not in it.
using Sites = std::map<base::NodeId, base::AddressGroup>;

/// All of `near` and `known`, each once: those of `near` from the nearest on, then the others from the nearest on.
/// Among each of both, the second node of a site comes behind the first of all others, and so on; `holders` have a copy
/// already, and count for their sites.
std::vector<base::NodeId> order_of_candidates(std::span<const base::NodeId> near, std::span<const base::NodeId> known,
                                              const base::NodeId& position, const Sites& sites = {},
                                              std::span<const base::NodeId> holders = {});

}  // namespace troupe::files
