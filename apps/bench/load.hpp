#pragma once
// The two shapes of load: messages one way, with a bounded number under way, and questions one after the other.
//
// `troupe bench` and the reference programs in tools/bench share this file, or their figures could not be compared.
#include <cstddef>
#include <cstdint>
#include <optional>

#include "runtime/base/time.hpp"

namespace troupe::bench {

/// How messages one way are kept bounded: the receiver answers once a burst.
struct Window {
  std::uint64_t burst;       ///< messages for one answer
  std::uint64_t bursts_max;  ///< bursts under way
};
inline constexpr Window kSmallWindow{1'000, 8};  // of numbers and 256 B: 2 MiB at most
inline constexpr Window kLargeWindow{20, 8};     // of 64 KiB: 10 MiB at most

inline constexpr std::size_t kSmallBytes = 256;
inline constexpr std::size_t kLargeBytes = 65'536;

inline constexpr std::uint64_t kTimedEach = 16;       // one question in 16 is timed: the clock costs 50 ns
inline constexpr std::uint64_t kTimedAll = 1;         // a round trip of 20 us and more: the clock does not matter
inline constexpr int kWarmUpShare = 10;               // the first tenth of the time is not counted
inline constexpr std::size_t kDelaysMax = 4'000'000;  // 32 MiB

/// How far one measurement is, and how fast it was between its warm-up and its end.
class Progress {
 public:
  Progress(base::Instant begin, base::Duration span) : counted_from_(begin + span / kWarmUpShare), end_(begin + span) {}

  /// Notes that `count` more are done at `now`. False once the time is over and there is a rate: what comes in lumps
  /// longer than the time is measured until the second of them.
  bool done(std::uint64_t count, base::Instant now) {
    if (now >= end_ && per_second() > 0) return false;
    if (!counts(now)) return true;
    if (!first_) first_ = now;
    else counted_ += count;
    last_ = now;
    return true;
  }
  /// Whether what begins at `when` is past the warm-up.
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
