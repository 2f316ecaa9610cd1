#pragma once
// Which keys can share a search: those whose holders are nearly the same nodes.
//
// Source  issue 5, parts 5 and 9: one search for each region of the key space serves all its keys.
// Region  the keys that share their first region_bits. It is so narrow that a search for the holders of one of its keys
//         (LookupKind::store_region) finds all nodes of the region.
#include <bit>
#include <cstddef>
#include <span>
#include <vector>

#include "actors/dht/logic/density.hpp"

namespace troupe::dht {

/// Returns how many leading bits the keys of a region share; zero if all nodes store all records.
constexpr unsigned region_bits(NetworkSize network, std::size_t copies) {
  return network.nodes <= copies ? 0 : static_cast<unsigned>(std::bit_width((network.nodes - 1) / copies));
}

/// Groups the indexes of `keys` by region, in key order; the middle key represents the region. A region of more than
/// `most` keys is split.
std::vector<std::vector<std::size_t>> by_region(std::span<const Key> keys, unsigned bits, std::size_t most);

}  // namespace troupe::dht
