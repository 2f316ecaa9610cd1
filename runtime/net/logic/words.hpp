#pragma once
// Numbers in frames and datagrams: little-endian, in place, and Cap'n Proto's words of 8 bytes.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace troupe::net {

static_assert(std::endian::native == std::endian::little, "frames and Cap'n Proto words are read where they lie");

inline constexpr std::size_t kWordBytes = 8;

constexpr std::size_t padded(std::size_t bytes) { return (bytes + kWordBytes - 1) / kWordBytes * kWordBytes; }

template <class T>
T load(const std::uint8_t* from) {
  T out;
  std::memcpy(&out, from, sizeof out);
  return out;
}

template <class T>
void store(std::uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

}  // namespace troupe::net
