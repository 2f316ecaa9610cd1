#pragma once
// Numbers in keys of rows, highest byte first: so that rows lie in the order of their numbers.
#include <concepts>

#include "runtime/base/bytes.hpp"

namespace troupe::base {

template <std::unsigned_integral Number>
void append_big_endian(Bytes& out, Number number) {
  for (int shift = 8 * sizeof(Number) - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(number >> shift));
}

/// Of 8 bytes at most.
inline std::uint64_t big_endian(ByteView bytes) {
  std::uint64_t out = 0;
  for (const std::uint8_t byte : bytes) out = out << 8 | byte;
  return out;
}

}  // namespace troupe::base
