#pragma once
// What each use of the device by other nodes leaves free of it. What can be done without gives way first: no bulk of
// strangers takes the room that a service of theirs, or of this node, needs to go on.
#include <cstdint>

#include "runtime/store/pack.hpp"

namespace troupe::store {

// Our choice, all of them.
inline constexpr std::uint64_t kFilesLeave = 1'536u << 20;       // what they store, and keep for a month
inline constexpr std::uint64_t kClaimsLeave = 1'472u << 20;      // what binds a put that began while there was room
inline constexpr std::uint64_t kGuestsInputsLeave = 576u << 20;  // inputs of their tasks; what is not in use goes too
inline constexpr std::uint64_t kRecordsLeave = 320u << 20;       // of the DHT and of the registry
inline constexpr std::uint64_t kInputsLeave = 256u << 20;        // inputs of this node's own tasks
inline constexpr std::uint64_t kOrdersLeave = 128u << 20;        // of books, escrows, funds and airdrops
inline constexpr std::uint64_t kBegunLeave = 96u << 20;          // acts with which an escrow goes on
static_assert(kFilesLeave > kClaimsLeave && kClaimsLeave > kGuestsInputsLeave && kGuestsInputsLeave > kRecordsLeave &&
              kRecordsLeave > kInputsLeave && kInputsLeave > kOrdersLeave && kOrdersLeave > kBegunLeave);
// Whatever strangers do, a pack of which a third is dead can be compacted: what they release is freed.
static_assert(kBegunLeave >= kReserveBytes + kPackBytesMax / 3 * 2);

}  // namespace troupe::store
