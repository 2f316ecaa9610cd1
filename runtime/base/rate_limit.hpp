#pragma once
// How often something may happen: a token bucket.
//
// Source  RFC 2697 without its second colour.
// Limits  it holds `burst` at most.
// Time    monotonic, given by the caller; an instant before the last one counts as that one.
// Owner   its holder; not thread-safe.
#include <cstdint>

#include "runtime/base/time.hpp"

namespace troupe::base {

/// A token bucket, exact: no rounding is lost or gained however often it is asked.
class RateLimit {
 public:
  /// Full at `now`. A rate of zero never refills; a burst of zero allows nothing.
  RateLimit(std::uint32_t per_second, std::uint32_t burst, Instant now);

  /// Takes `count` tokens, all or none. False if they are not there; then nothing has changed.
  bool take(Instant now, std::uint32_t count = 1);

  /// Takes `count` tokens, or as many as are there: that many.
  std::uint32_t spend(Instant now, std::uint32_t count = 1);

  /// Brings `count` tokens back that were taken and not needed.
  void give_back(Instant now, std::uint32_t count);

  /// How long until `count` tokens are there, zero if they are, Duration::max() if they never will be.
  Duration wait(Instant now, std::uint32_t count = 1) const;

  /// Whether it holds its whole burst: then it remembers nothing and may be forgotten.
  bool full(Instant now) const;

 private:
  std::uint64_t level_at(Instant now) const;

  std::uint32_t per_second_;
  std::uint64_t burst_;  // burst_ and level_ in billionths of a token: one nanosecond brings per_second_ of them
  std::uint64_t level_;
  Instant as_of_;
};

}  // namespace troupe::base
