#pragma once
// The time of a book: each decision of an escrow uses it.
#include <atomic>
#include <memory>

#include "actors/escrow/logic/agreement.hpp"
#include "runtime/base/time.hpp"

namespace troupe::escrow {

/// Returns the time of a group: `correction` ms after this node's monotonic clock, so that a step of its date has no
/// effect. kNoGroup: this node's date.
inline constexpr std::int64_t kNoGroup = INT64_MIN;
UnixMs group_time(base::WallTime wall, base::Instant now, const std::atomic<std::int64_t>& correction);

}  // namespace troupe::escrow
