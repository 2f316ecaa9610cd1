#include "actors/files/logic/placement.hpp"

#include <algorithm>

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

}  // namespace troupe::files
