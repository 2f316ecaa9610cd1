#pragma once
// Numbers in row keys, most significant byte first, so that rows sort in numeric order.
#include <concepts>

#include "runtime/base/bytes.hpp"

namespace troupe::base {

template <std::unsigned_integral Number>
void append_big_endian(Bytes& out, Number number) {
  for (int shift = 8 * sizeof(Number) - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(number >> shift));
}

/// Reads a number of at most 8 bytes.
inline std::uint64_t big_endian(ByteView bytes) {
  std::uint64_t out = 0;
  for (const std::uint8_t byte : bytes) out = out << 8 | byte;
  return out;
}

}  // namespace troupe::base
