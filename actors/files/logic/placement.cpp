#include "actors/files/logic/placement.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

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

namespace {

/// Counts the copies that each address group would have if the nodes were asked in order.
class Turns {
 public:
  explicit Turns(const Sites& sites) : sites_(sites) {}

  /// Returns how many earlier nodes are in the same address group, or nullopt if its group is unknown.
  std::optional<std::size_t> take(const base::NodeId& node) {
    const auto site = sites_.find(node);
    if (site == sites_.end()) return std::nullopt;
    return taken_[site->second]++;
  }
  /// A node with an unknown group stays after nearer nodes. This node is one, and may share a group with other nodes.
  void append(const std::vector<base::NodeId>& nearest_first, std::vector<base::NodeId>& out) {
    std::vector<std::pair<std::size_t, base::NodeId>> turns;
    turns.reserve(nearest_first.size());
    std::size_t turn = 0;
    for (const base::NodeId& node : nearest_first) {
      turn = take(node).value_or(turn);
      turns.emplace_back(turn, node);
    }
    std::ranges::stable_sort(turns, {}, [](const auto& one) { return one.first; });
    for (const auto& one : turns) out.push_back(one.second);
  }

 private:
  const Sites& sites_;
  std::map<base::AddressGroup, std::size_t> taken_;
};

}  // namespace

std::vector<base::NodeId> order_of_candidates(std::span<const base::NodeId> near, std::span<const base::NodeId> known,
                                              const base::NodeId& position, const Sites& sites,
                                              std::span<const base::NodeId> holders) {
  Turns turns(sites);
  for (const base::NodeId& node : holders) turns.take(node);
  std::vector<base::NodeId> out;
  turns.append(nearest(near, position, near.size()), out);
  const std::set<base::NodeId> placed(out.begin(), out.end());
  std::vector<base::NodeId> others = nearest(known, position, known.size());
  std::erase_if(others, [&](const base::NodeId& node) { return placed.contains(node); });
  turns.append(others, out);
  return out;
}

}  // namespace troupe::files
