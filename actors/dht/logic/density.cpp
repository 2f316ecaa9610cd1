#include "actors/dht/logic/density.hpp"

#include <algorithm>
#include <limits>

namespace troupe::dht {
namespace {

__extension__ using Wide = unsigned __int128;  // a product of two 64-bit numbers

}  // namespace

NetworkSize estimate_size(const Key& point, std::span<const Key> nearest) {
  const std::uint64_t seen = nearest.size() + 1;
  if (nearest.size() < 3) return {seen};
  const std::uint64_t radius = std::max<std::uint64_t>(base::distance(point, nearest.back()).high(), 1);
  const Wide space = Wide{1} << 64;
  const Wide others = space * (nearest.size() - 1) / radius;
  const Wide most = std::numeric_limits<std::uint64_t>::max() - 1;
  return {std::max(seen, static_cast<std::uint64_t>(std::min(others, most)) + 1)};
}

std::uint64_t expected_within(const Key& distance, NetworkSize size) {
  return static_cast<std::uint64_t>(Wide{distance.high()} * size.nodes >> 64);
}

}  // namespace troupe::dht
