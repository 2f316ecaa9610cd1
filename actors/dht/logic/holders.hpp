#pragma once
// Which of the nodes around a key should store its value, and how many of them have to acknowledge a store.
//
// Holders the nearest nodes, and all other nodes within the radius in which the estimated density (density.hpp) expects
//         that many. So a few ids that were ground to be near a key cannot take the key from all honest nodes.
// Source  issue 5, part 9.
#include <algorithm>
#include <bitset>
#include <optional>
#include <span>

#include "actors/dht/logic/density.hpp"

namespace troupe::dht {

inline constexpr std::size_t kRegionMax = 40;      // issue 5, part 9: nodes of a region
inline constexpr std::size_t kStoredPercent = 75;  // issue 5, part 9

/// Returns how many of `nodes`, nearest to `key` first, should store its value: at most kRegionMax. Without an estimate
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

/// How many nodes were asked to store a value, and how many have stored it: this node and the nodes of a region. The
/// caller numbers their address groups, below kStoresMax.
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
  small,  ///< may have fewer nodes than copies are wanted
  large,
};

/// Returns how many of `asked` nodes have to acknowledge a store where `copies` are wanted. That may exceed `asked`: a
/// node that met few nodes of a large network, or silence in a small network, does not know whether the value will be
/// found. `silent` are known nodes that should store it too, and cannot be asked.
constexpr std::size_t stores_needed(std::size_t asked, std::size_t copies, Scale network, std::size_t silent = 0) {
  const std::size_t part = (asked * kStoredPercent + 99) / 100;
  const std::size_t half = (copies + 1) / 2;
  // Not all nodes of a small network: one node that refuses would make every store fail.
  const std::size_t there = std::max(part, (asked + silent + 1) / 2);
  return std::max(part, network == Scale::large ? half : std::min(half, there));
}

/// Does the same, but accepts that fraction of address groups, too. One operator has up to three of the nodes around a
/// key, so two operators that acknowledge nothing would make every store fail. This needs at least half as many groups
/// as `copies`; otherwise too few nodes would be enough.
inline std::size_t stores_needed(const StoreCount& count, std::size_t copies, Scale network, std::size_t silent = 0) {
  const std::size_t nodes = stores_needed(count.asked, copies, network, silent);
  const std::size_t groups = count.groups_asked.count();
  const bool by_groups =
      2 * groups >= copies && count.groups_stored.count() >= stores_needed(groups, copies, network, silent);
  return by_groups ? std::min(nodes, count.stored) : nodes;
}

}  // namespace troupe::dht
