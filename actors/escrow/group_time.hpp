#pragma once
// What time it is at a book: each decision of an escrow is made at this time.
#include <atomic>
#include <memory>

#include "actors/escrow/logic/agreement.hpp"
#include "runtime/base/time.hpp"

namespace troupe::escrow {

/// The time of a group: `correction` ms after this node's monotonic clock, so that no step of its date moves it.
/// kNoGroup: this node's date.
inline constexpr std::int64_t kNoGroup = INT64_MIN;
UnixMs group_time(base::WallTime wall, base::Instant now, const std::atomic<std::int64_t>& correction);

}  // namespace troupe::escrow
