#pragma once
// Which nodes a content belongs to: the nearest by XOR. A narrow seam: the Kademlia search will take its place.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.1 (distance). A content's place is ContentKey::position().
// Chance  none; the same candidates in any order give the same answer.
#include <cstddef>
#include <span>
#include <vector>

#include "runtime/base/ids.hpp"

namespace troupe::files {

inline constexpr std::size_t kCandidatesMax = 1024;  // our choice: above what a node keeps as known peers

/// The at most `count` candidates nearest to `position`, the nearest first. A candidate given twice counts once.
std::vector<base::NodeId> nearest(std::span<const base::NodeId> candidates, const base::NodeId& position,
                                  std::size_t count);

}  // namespace troupe::files
