#include "actors/files/logic/neighbourhoods.hpp"

#include <algorithm>

namespace troupe::files {

const std::vector<dht::Contact>* Neighbourhoods::find(const base::NodeId& position, base::Instant now) const {
  const auto one = std::find_if(all_.rbegin(), all_.rend(), [&](const Neighbourhood& known) {
    return now < known.until && dht::shared_bits(known.target, position) >= known.reach;
  });
  return one == all_.rend() ? nullptr : &one->nodes;
}

bool Neighbourhoods::likely(const base::NodeId& target, const base::NodeId& position) const {
  return dht::shared_bits(target, position) >= reach_;
}

void Neighbourhoods::found(const base::NodeId& target, std::vector<dht::Contact> nodes, base::Instant now) {
  std::erase_if(all_, [&](const Neighbourhood& known) { return known.until <= now; });
  if (all_.size() == kNeighbourhoodsMax) all_.pop_front();
  std::size_t reach = 0;
  if (!nodes.empty()) {
    reach = dht::kRanges;
    for (const dht::Contact& node : nodes) reach = std::min(reach, dht::shared_bits(target, node.id) + 1);
  }
  const base::Duration fresh = nodes.empty() ? base::Duration(kNobodyFresh) : base::Duration(kNeighboursFresh);
  all_.push_back({target, reach, std::move(nodes), now + fresh});
  reach_ = reach;
}

}  // namespace troupe::files
