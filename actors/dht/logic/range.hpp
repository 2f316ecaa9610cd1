#pragma once
// Which ids one bucket covers: those that share exactly `prefix` leading bits with our own id.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.2. The paper counts from the near end: range i here covers its
//         distances [2^(159-i), 2^(160-i)).
// Order   0 is the far half of the space, 159 the one id that differs in the last bit.
#include <bit>
#include <cstring>
#include <optional>

#include "actors/dht/logic/contact.hpp"
#include "runtime/base/random.hpp"

namespace troupe::dht {

inline constexpr std::size_t kRanges = 8 * Key::kBytes;

struct Range {
  std::uint8_t prefix = 0;  ///< below kRanges

  friend auto operator<=>(const Range&, const Range&) = default;
};

/// Returns how many leading bits two points share: 0 to kRanges, which is all of them.
inline std::size_t shared_bits(const Key& a, const Key& b) {
  const std::uint64_t high = a.high() ^ b.high();
  if (high != 0) return static_cast<std::size_t>(std::countl_zero(high));
  for (std::size_t i = sizeof high; i < Key::kBytes; ++i) {
    const auto differing = static_cast<std::uint8_t>(a.bytes[i] ^ b.bytes[i]);
    if (differing != 0) return 8 * i + static_cast<std::size_t>(std::countl_zero(differing));
  }
  return kRanges;
}

/// Returns nullopt for our own id, which no bucket covers.
inline std::optional<Range> range_of(const Key& own, const Key& id) {
  const std::size_t shared = shared_bits(own, id);
  if (shared == kRanges) return std::nullopt;
  return Range{static_cast<std::uint8_t>(shared)};
}

/// Returns the bit at `index`; 0 is the most significant.
inline unsigned bit_of(const Key& key, std::size_t index) { return key.bytes[index / 8] >> (7 - index % 8) & 1U; }

/// Returns a uniformly random point of `range`: the target of a refresh.
inline Key random_key(const Key& own, Range range, base::Random& random) {
  Key key;
  for (auto& byte : key.bytes) byte = static_cast<std::uint8_t>(random.below(256));
  for (std::size_t index = 0; index <= range.prefix; ++index) {
    const unsigned wanted = bit_of(own, index) ^ (index == range.prefix ? 1U : 0U);
    const auto mask = static_cast<std::uint8_t>(0x80U >> index % 8);
    auto& byte = key.bytes[index / 8];
    byte = static_cast<std::uint8_t>(wanted != 0 ? byte | mask : byte & ~mask);
  }
  return key;
}

}  // namespace troupe::dht
