#pragma once
// When a node is asked again that did not give what it was asked for.
//
// Hold    1 s after the first miss, doubled each time, kHoldMax at most. What it gives ends the count.
// Busy    a node that does much says so: the first kBusyMax such answers in a row hold it off for nothing.
// Time    monotonic, given by the caller.
// Owner   one actor; not thread-safe.
#include <algorithm>

#include "runtime/base/time.hpp"

namespace troupe::chain {

class Patience {
 public:
  static constexpr std::chrono::seconds kHoldMax{64};  // our choice
  static constexpr unsigned kBusyMax = 3;              // our choice

  /// It gave no answer in time, or nothing of what it had told.
  void missed(base::Instant now) {
    const std::chrono::seconds span{std::uint64_t{1} << std::min(misses_, 6u)};
    ++misses_;
    held_to_ = std::max(held_to_, now + std::min(span, kHoldMax));
  }
  /// It answered that it is busy.
  void busy(base::Instant now) {
    if (++busy_ > kBusyMax) missed(now);
  }
  void gave() { *this = {}; }

  bool may_ask(base::Instant now) const { return now >= held_to_; }
  /// Others with less are asked first.
  unsigned rank() const { return misses_ + busy_; }

 private:
  base::Instant held_to_{};
  unsigned misses_ = 0, busy_ = 0;
};

}  // namespace troupe::chain
