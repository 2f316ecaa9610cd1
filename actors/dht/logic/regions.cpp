#include "actors/dht/logic/regions.hpp"

#include <algorithm>
#include <numeric>

namespace troupe::dht {

std::vector<std::vector<std::size_t>> by_region(std::span<const Key> keys, unsigned bits, std::size_t most) {
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return keys[i]; });
  std::vector<std::vector<std::size_t>> out;
  for (const std::size_t i : order) {
    const bool joins =
        !out.empty() && out.back().size() < most && shared_bits(keys[out.back().front()], keys[i]) >= bits;
    if (!joins) out.emplace_back();
    out.back().push_back(i);
  }
  return out;
}

}  // namespace troupe::dht
