#pragma once
// Two kinds of time that must not be mixed: `Instant` only moves forward and has no date, `WallTime` has a date and may
// step. The Clock port provides both.
#include <chrono>
#include <compare>
#include <cstdint>

namespace troupe::base {

using Duration = std::chrono::nanoseconds;

namespace detail {

/// A point on a time line: differences are durations, sums of two points do not exist.
template <class Line>
class TimePoint {
 public:
  constexpr TimePoint() = default;
  constexpr explicit TimePoint(Duration since_origin) : since_origin_(since_origin) {}

  static constexpr TimePoint max() { return TimePoint(Duration::max()); }

  constexpr Duration since_origin() const { return since_origin_; }
  friend constexpr auto operator<=>(const TimePoint&, const TimePoint&) = default;

  /// Saturates at max(), so that "forever" stays "forever".
  friend constexpr TimePoint operator+(TimePoint point, Duration span) {
    if (span > Duration::zero() && point.since_origin_ > Duration::max() - span) return max();
    return TimePoint(point.since_origin_ + span);
  }
  friend constexpr TimePoint operator-(TimePoint point, Duration span) { return TimePoint(point.since_origin_ - span); }
  friend constexpr Duration operator-(TimePoint later, TimePoint earlier) {
    return later.since_origin_ - earlier.since_origin_;
  }

 private:
  Duration since_origin_{0};
};

}  // namespace detail

/// Monotonic time of one node; its origin is arbitrary and differs between nodes and starts.
using Instant = detail::TimePoint<struct MonotonicLine>;

/// Time since 1970-01-01 UTC without leap seconds; may step in both directions.
using WallTime = detail::TimePoint<struct WallLine>;

/// Returns whole seconds since 1970, for records and people.
constexpr std::int64_t unix_seconds(WallTime when) {
  return std::chrono::duration_cast<std::chrono::seconds>(when.since_origin()).count();
}

/// Returns whole milliseconds since 1970; at least 1, because 0 means "no time".
constexpr std::uint64_t unix_milliseconds(WallTime when) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(when.since_origin()).count();
  return since < 1 ? 1 : static_cast<std::uint64_t>(since);
}

}  // namespace troupe::base
