#pragma once
// The numbers that a Store keeps in its own rows: 8 bytes each, little-endian.
#include <array>
#include <cstdint>
#include <string_view>

#include "runtime/base/bytes.hpp"

namespace troupe::store {

inline constexpr std::string_view kGroupKey = "group";  // the number of the last group that was written

inline std::array<std::uint8_t, 8> encode_number(std::uint64_t number) {
  std::array<std::uint8_t, 8> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return out;
}

/// Decodes the first 8 bytes of a row, or all bytes of a shorter row.
inline std::uint64_t decode_number(base::ByteView bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < bytes.size() && i < 8; ++i) out |= std::uint64_t{bytes[i]} << (8 * i);
  return out;
}

}  // namespace troupe::store
