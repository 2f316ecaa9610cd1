#pragma once
// How often something may happen: a token bucket.
//
// Source  RFC 2697 without its second colour.
// Limits  at most `burst` tokens.
// Time    monotonic, given by the caller; an earlier instant than the last counts as the last.
// Owner   its user; not thread-safe.
#include <cstdint>

#include "runtime/base/time.hpp"

namespace troupe::base {

/// An exact token bucket: rounding neither adds nor loses tokens, however often it is called.
class RateLimit {
 public:
  /// Full at `now`. A rate of zero never refills; a burst of zero allows nothing.
  RateLimit(std::uint32_t per_second, std::uint32_t burst, Instant now);

  /// Takes `count` tokens, all or none. Returns false if there are fewer, and then changes nothing.
  bool take(Instant now, std::uint32_t count = 1);

  /// Takes `count` tokens, or as many as there are, and returns how many.
  std::uint32_t spend(Instant now, std::uint32_t count = 1);

  /// Puts back `count` tokens that were taken and not needed.
  void give_back(Instant now, std::uint32_t count);

  /// Returns how long until there are `count` tokens: zero if there are now, Duration::max() if there never will be.
  Duration wait(Instant now, std::uint32_t count = 1) const;

  /// Whether it holds its whole burst. It has no state then and may be dropped.
  bool full(Instant now) const;

 private:
  std::uint64_t level_at(Instant now) const;

  std::uint32_t per_second_;
  std::uint64_t burst_;  // burst_ and level_ in billionths of a token: a nanosecond adds per_second_ of them
  std::uint64_t level_;
  Instant as_of_;
};

}  // namespace troupe::base
