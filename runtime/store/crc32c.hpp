#pragma once
// CRC-32C (Castagnoli), the checksum of pack records.
//
// Source  RFC 3720 appendix B.4 (polynomial 0x1EDC6F41, reflected; test vectors).
// Speed   the processor's own instruction (SSE4.2) where it has one, several GiB/s; else eight tables, about 1 GiB/s.
#include <cstdint>

#include "runtime/base/bytes.hpp"

namespace troupe::store {

/// The checksum of `bytes`. To go on where an earlier call ended, pass its result as `before`.
std::uint32_t crc32c(base::ByteView bytes, std::uint32_t before = 0);

/// The same without the processor's instruction: what crc32c() falls back to.
std::uint32_t crc32c_portable(base::ByteView bytes, std::uint32_t before = 0);

}  // namespace troupe::store
