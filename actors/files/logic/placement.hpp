#pragma once
// The nodes for an object: the nearest to ContentKey::position() by XOR. The order of the candidates does not matter.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.1 (distance).
// Near    nodes found by a search around that position come first: they are the nearest in the network and have just
//         responded. Other known nodes follow.
// Sites   in both lists the nodes of an address group alternate with other groups' nodes: a group gets a second copy
//         once each other group has one. A node with an unknown group keeps its place after the next nearer node.
#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "runtime/base/address_group.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::files {

inline constexpr std::size_t kCandidatesMax = 1024;  // our choice: above the number of known peers of a node

/// Returns the at most `count` candidates nearest to `position`, nearest first. Repeated candidates count once.
std::vector<base::NodeId> nearest(std::span<const base::NodeId> candidates, const base::NodeId& position,
                                  std::size_t count);

/// Address groups of nodes. Excludes nodes on loopback and nodes with unknown addresses.
using Sites = std::map<base::NodeId, base::AddressGroup>;

/// Returns all of `near` and `known`, each once: first `near` by distance, then the others by distance. In both, the
/// second node of an address group comes after the first of all other groups, and so on. `holders` already have a copy,
/// and count for their groups.
std::vector<base::NodeId> order_of_candidates(std::span<const base::NodeId> near, std::span<const base::NodeId> known,
                                              const base::NodeId& position, const Sites& sites = {},
                                              std::span<const base::NodeId> holders = {});

}  // namespace troupe::files
