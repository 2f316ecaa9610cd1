#pragma once
// The delay before a retry: it doubles with each refusal, and is at least what the other side has asked for.
//
// Limits  from `first` to `longest`, whatever the other side asks for.
// Jitter  none, because its users retry requests to other actors of the same node.
// Owner   its user; not thread-safe.
#include <algorithm>

#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::base {

class Backoff {
 public:
  constexpr Backoff(Duration first, Duration longest) : first_(first), longest_(longest) {}

  /// Returns the delay after one more refusal.
  Duration next(const Error& why) {
    last_ = std::clamp(last_ * 2, first_, longest_);
    return std::clamp<Duration>(why.retry_after, last_, longest_);
  }
  /// Call after success: the next delay starts from `first` again.
  void reset() { last_ = {}; }

 private:
  Duration first_, longest_;
  Duration last_{};
};

}  // namespace troupe::base
