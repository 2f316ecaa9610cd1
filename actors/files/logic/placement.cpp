#include "actors/files/logic/placement.hpp"

#include <algorithm>
#include <set>

namespace troupe::files {

std::vector<base::NodeId> nearest(std::span<const base::NodeId> candidates, const base::NodeId& position,
                                  std::size_t count) {
  std::vector<base::NodeId> out(candidates.begin(), candidates.end());
  std::sort(out.begin(), out.end(), [&](const base::NodeId& a, const base::NodeId& b) {
    return base::distance(a, position) < base::distance(b, position);
  });
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.size() > count) out.resize(count);
  return out;
}

std::vector<base::NodeId> order_of_candidates(std::span<const base::NodeId> near, std::span<const base::NodeId> known,
                                              const base::NodeId& position) {
  std::vector<base::NodeId> out = nearest(near, position, near.size());
  const std::set<base::NodeId> placed(out.begin(), out.end());
  for (const base::NodeId& node : nearest(known, position, known.size()))
    if (!placed.contains(node)) out.push_back(node);
  return out;
}

}  // namespace troupe::files
