#pragma once
// Who may be a neighbour beside the validators: places are shared by address group.
//
// Dialled one of base::kReservePart places is for nodes that this one has dialled by itself. One more of them takes the
//         place of one that has dialled this node.
// Groups  a place that is free is anyone's. Then a newcomer takes that of one of the largest group, if its own stays no
//         larger than that becomes: so no two come and go by turns.
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

/// Whose of `most` places `newcomer` takes, beside `others`: its own id if one is free; nothing: there is none for it.
inline std::optional<base::NodeId> place_for(const Placed& newcomer, const std::vector<Placed>& others,
                                             std::size_t most) {
  base::ShareBudget<base::NodeId> places(most);  // of those that have dialled this node
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
