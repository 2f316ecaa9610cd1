#pragma once
// The free space that each use of the device by other nodes must leave. The least essential data must leave the most:
// no bulk data of untrusted nodes takes the space that one of their services, or of this node's, needs to proceed.
#include <cstdint>

#include "runtime/store/pack.hpp"

namespace troupe::store {

// Our choice, all of them.
inline constexpr std::uint64_t kFilesLeave = 1'536u << 20;       // their stored files, kept for a month
inline constexpr std::uint64_t kClaimsLeave = 1'472u << 20;      // commits of a put that began while there was space
inline constexpr std::uint64_t kGuestsInputsLeave = 576u << 20;  // inputs of their tasks; unused inputs are evicted too
inline constexpr std::uint64_t kRecordsLeave = 320u << 20;       // records of the DHT and the registry
inline constexpr std::uint64_t kInputsLeave = 256u << 20;        // inputs of this node's tasks
inline constexpr std::uint64_t kOrdersLeave = 128u << 20;        // orders of ledgers, escrows, funds and airdrops
inline constexpr std::uint64_t kBegunLeave = 96u << 20;          // actions that continue an escrow
static_assert(kFilesLeave > kClaimsLeave && kClaimsLeave > kGuestsInputsLeave && kGuestsInputsLeave > kRecordsLeave &&
              kRecordsLeave > kInputsLeave && kInputsLeave > kOrdersLeave && kOrdersLeave > kBegunLeave);
// Whatever untrusted nodes do, a pack that is one third dead can be compacted, so the space that they release is freed.
static_assert(kBegunLeave >= kReserveBytes + kPackBytesMax / 3 * 2);

}  // namespace troupe::store
