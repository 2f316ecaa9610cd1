#pragma once
// Decides which nodes that are not validators may be neighbours. Address groups share the slots.
//
// Dialled 1/base::kReservePart of the slots is reserved for nodes that this node dialled. If no slot is free, such a
//         node evicts a node that dialled this one.
// Groups  any node may take a free slot. Otherwise a newcomer evicts a node of the largest group, but only if the
//         newcomer's group is then no larger than that group, so that two nodes never evict each other in turn.
#include <algorithm>
#include <optional>
#include <vector>

#include "runtime/base/ids.hpp"
#include "runtime/base/share_budget.hpp"

namespace troupe::chain {

struct Placed {
  base::NodeId id{};
  base::AddressGroup group{};
  bool dialled = false;
};

/// Returns the node among `others` that `newcomer` replaces, its own id if a slot is free, or nullopt if it gets no
/// slot.
inline std::optional<base::NodeId> place_for(const Placed& newcomer, const std::vector<Placed>& others,
                                             std::size_t most) {
  base::ShareBudget<base::NodeId> places(most);  // of the nodes that dialled this one
  std::size_t dialled = 0;
  for (const Placed& one : others) {
    if (one.dialled) ++dialled;
    else places.hold({one.id, one.group}, 1);
  }
  const std::size_t kept = newcomer.dialled ? dialled : std::max(dialled, most / base::kReservePart);
  if (places.used() + kept < most) return newcomer.id;
  const auto any = [](const base::NodeId&) { return true; };
  if (newcomer.dialled) return places.largest(any);
  const auto leaves = places.gives_way({newcomer.id, newcomer.group}, 1, any);
  if (!leaves) return std::nullopt;
  const Placed& one = *std::ranges::find(others, *leaves, &Placed::id);
  return places.held(one.group) >= places.held(newcomer.group) + 2 ? leaves : std::nullopt;
}

}  // namespace troupe::chain
