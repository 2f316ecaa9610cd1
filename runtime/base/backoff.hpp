#pragma once
// How long to wait before the same is asked again: twice as long each time, and not less than the other side has said.
//
// Limits  from `first` to `longest`, whatever the other side says.
// Jitter  none: it is for actors of one node that ask another actor of it.
// Owner   its holder; not thread-safe.
#include <algorithm>

#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::base {

class Backoff {
 public:
  constexpr Backoff(Duration first, Duration longest) : first_(first), longest_(longest) {}

  /// It was refused once more.
  Duration next(const Error& why) {
    last_ = std::clamp(last_ * 2, first_, longest_);
    return std::clamp<Duration>(why.retry_after, last_, longest_);
  }
  /// It was done: the next one begins anew.
  void reset() { last_ = {}; }

 private:
  Duration first_, longest_;
  Duration last_{};
};

}  // namespace troupe::base
