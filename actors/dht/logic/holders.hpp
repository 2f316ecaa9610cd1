#pragma once
// Which of the nodes around a key should hold its value, and how many of them have to acknowledge a store.
//
// Holders the nearest nodes, and all others within the radius that the estimated density (density.hpp) gives them: few
//         ids that were ground to lie around a key cannot take it from all honest nodes.
// Source  issue 5, part 9.
#include <algorithm>
#include <bitset>
#include <optional>
#include <span>

#include "actors/dht/logic/density.hpp"

namespace troupe::dht {

inline constexpr std::size_t kRegionMax = 40;      // issue 5, part 9: nodes of a region
inline constexpr std::size_t kStoredPercent = 75;  // the same part

/// How many of `nodes`, nearest to `key` first, should hold what lies there: at most kRegionMax. Without an estimate
/// these are the `copies` nearest.
inline std::size_t holders_among(std::span<const Key> nodes, const Key& key, std::size_t copies,
                                 const std::optional<NetworkSize>& network) {
  std::size_t out = std::min(copies, nodes.size());
  if (!network) return out;
  while (out < std::min(nodes.size(), kRegionMax) &&
         expected_within(base::distance(nodes[out], key), *network) < copies)
    ++out;
  return out;
}

/// Who was asked to store a value, and has: this node and those of a region, each with the number that the caller gave
/// its address group, below kStoresMax.
inline constexpr std::size_t kStoresMax = kRegionMax + 1;
struct StoreCount {
  std::size_t asked = 0, stored = 0;
  std::bitset<kStoresMax> groups_asked{}, groups_stored{};

  void ask(std::size_t group) {
    ++asked;
    groups_asked.set(group);
  }
  void store(std::size_t group) {
    ++stored;
    groups_stored.set(group);
  }
};

enum class Scale : std::uint8_t {
  small,  ///< it may have fewer nodes than there should be copies
  large,
};

/// How many of `asked` nodes have to acknowledge a store where `copies` are wanted. That may be more than were asked: a
/// node that met few nodes of a large network, or silence in a small one, cannot tell that the value will be found.
/// `silent` are known nodes that should hold it too, and cannot be asked.
constexpr std::size_t stores_needed(std::size_t asked, std::size_t copies, Scale network, std::size_t silent = 0) {
  const std::size_t part = (asked * kStoredPercent + 99) / 100;
  const std::size_t half = (copies + 1) / 2;
  // Not all there are: one that refuses would make each store in a small network fail.
  const std::size_t there = std::max(part, (asked + silent + 1) / 2);
  return std::max(part, network == Scale::large ? half : std::min(half, there));
}

/// The same, where as large a part of the address groups is as good as of the nodes: a site has three of the nodes
/// around a key, so that two sites that acknowledge nothing would make each store fail. Not where fewer groups were
/// asked than half as many as `copies`: then a few nodes would be enough.
inline std::size_t stores_needed(const StoreCount& count, std::size_t copies, Scale network, std::size_t silent = 0) {
  const std::size_t nodes = stores_needed(count.asked, copies, network, silent);
  const std::size_t groups = count.groups_asked.count();
  const bool by_groups =
      2 * groups >= copies && count.groups_stored.count() >= stores_needed(groups, copies, network, silent);
  return by_groups ? std::min(nodes, count.stored) : nodes;
}

}  // namespace troupe::dht
