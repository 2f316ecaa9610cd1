#pragma once
// Numbers in stored and hashed bytes. The caller has checked that the bytes are there.
#include <cstdint>

#include "runtime/base/bytes.hpp"

namespace troupe::files {

template <class Number>
Number load(base::ByteView bytes, std::size_t at) {
  Number out = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    out = static_cast<Number>(out | static_cast<Number>(bytes[at + i]) << (8 * i));
  }
  return out;
}
inline std::uint16_t load16(base::ByteView bytes, std::size_t at) { return load<std::uint16_t>(bytes, at); }
inline std::uint32_t load32(base::ByteView bytes, std::size_t at) { return load<std::uint32_t>(bytes, at); }
inline std::uint64_t load64(base::ByteView bytes, std::size_t at) { return load<std::uint64_t>(bytes, at); }

inline void append(base::Bytes& out, base::ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

template <class Number>
void append_number(base::Bytes& out, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) out.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
}
inline void append32(base::Bytes& out, std::uint32_t number) { append_number(out, number); }
inline void append64(base::Bytes& out, std::uint64_t number) { append_number(out, number); }

}  // namespace troupe::files
