#pragma once
// The free space that each kind of data must leave on the device. The least essential data must leave the most, so that
// bulk data of untrusted nodes never takes the space that a service needs to proceed.
#include <cstdint>

#include "runtime/store/pack.hpp"

namespace troupe::store {

// All values are our choice.
inline constexpr std::uint64_t kFilesLeave = 1'536u << 20;   // other nodes' stored files, kept for a month
inline constexpr std::uint64_t kClaimsLeave = 1'472u << 20;  // commits of a put that began while there was space
inline constexpr std::uint64_t kGuestsInputsLeave = 576u
                                                    << 20;  // inputs of other nodes' tasks; unused inputs are evicted
inline constexpr std::uint64_t kRecordsLeave = 320u << 20;  // records of the DHT and the registry
inline constexpr std::uint64_t kInputsLeave = 256u << 20;   // inputs of this node's tasks
inline constexpr std::uint64_t kOrdersLeave = 128u << 20;   // orders of ledgers, escrows, funds and airdrops
inline constexpr std::uint64_t kBegunLeave = 96u << 20;     // actions that continue an escrow
static_assert(kFilesLeave > kClaimsLeave && kClaimsLeave > kGuestsInputsLeave && kGuestsInputsLeave > kRecordsLeave &&
              kRecordsLeave > kInputsLeave && kInputsLeave > kOrdersLeave && kOrdersLeave > kBegunLeave);
// Whatever untrusted nodes store, a pack that is one third dead can still be compacted, so the space of deleted data is
// freed.
static_assert(kBegunLeave >= kReserveBytes + kPackBytesMax / 3 * 2);

}  // namespace troupe::store
