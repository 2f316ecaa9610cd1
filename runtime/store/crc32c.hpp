#pragma once
// CRC-32C (Castagnoli), the checksum of pack records.
//
// Source  RFC 3720 appendix B.4 (polynomial 0x1EDC6F41, reflected; test vectors).
// Speed   The processor's instruction (SSE4.2) if it has one, several GiB/s; otherwise eight tables, about 1 GiB/s.
#include <cstdint>

#include "runtime/base/bytes.hpp"

namespace troupe::store {

/// Returns the checksum of `bytes`. To continue an earlier call, pass its result as `before`.
std::uint32_t crc32c(base::ByteView bytes, std::uint32_t before = 0);

/// Does the same without the processor's instruction; crc32c() falls back to it.
std::uint32_t crc32c_portable(base::ByteView bytes, std::uint32_t before = 0);

}  // namespace troupe::store
