#pragma once
// The two shapes of load: one-way messages with a limited number in flight, and requests one after another.
//
// `troupe bench` and the reference programs in tools/bench share this file, so that their figures can be compared.
#include <cstddef>
#include <cstdint>
#include <optional>

#include "runtime/base/time.hpp"

namespace troupe::bench {

/// How one-way messages are limited: the receiver responds once per burst.
struct Window {
  std::uint64_t burst;       ///< messages per response
  std::uint64_t bursts_max;  ///< bursts in flight
};
inline constexpr Window kSmallWindow{1'000, 8};  // for numbers and 256 B: at most 2 MiB
inline constexpr Window kLargeWindow{20, 8};     // for 64 KiB: at most 10 MiB

inline constexpr std::size_t kSmallBytes = 256;
inline constexpr std::size_t kLargeBytes = 65'536;

inline constexpr std::uint64_t kTimedEach = 16;       // one request in 16 is timed: the clock costs 50 ns
inline constexpr std::uint64_t kTimedAll = 1;         // round trips of 20 us and more: clock costs are negligible
inline constexpr int kWarmUpShare = 10;               // the first tenth of the time is not counted
inline constexpr std::size_t kDelaysMax = 4'000'000;  // 32 MiB

/// The progress of a measurement, and its rate between its warm-up and its end.
class Progress {
 public:
  Progress(base::Instant begin, base::Duration span) : counted_from_(begin + span / kWarmUpShare), end_(begin + span) {}

  /// Records that `count` more operations are done at `now`. Returns false once the time is over and there is a rate.
  /// If a batch of operations takes longer than the time, the measurement lasts until the second batch.
  bool done(std::uint64_t count, base::Instant now) {
    if (now >= end_ && per_second() > 0) return false;
    if (!counts(now)) return true;
    if (!first_) first_ = now;
    else counted_ += count;
    last_ = now;
    return true;
  }
  /// Whether an operation that begins at `when` is after the warm-up.
  bool counts(base::Instant when) const { return when >= counted_from_; }
  double per_second() const {
    if (!first_ || last_ <= *first_) return 0;
    return static_cast<double>(counted_) / std::chrono::duration<double>(last_ - *first_).count();
  }

 private:
  base::Instant counted_from_, end_;
  std::uint64_t counted_ = 0;
  std::optional<base::Instant> first_;
  base::Instant last_;
};

}  // namespace troupe::bench
