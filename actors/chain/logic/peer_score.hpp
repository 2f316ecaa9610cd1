#pragma once
// When a node that failed to deliver is asked again, and how long a request waits before another node is asked too.
//
// Hold    a node is not asked for 1 s after its first miss, doubled per miss up to kHoldMax. A delivery resets this.
// Busy    a busy node may say so: the first kBusyMax such responses in a row cause no hold.
// Rank    nodes that have delivered come first, then nodes never asked, then nodes that have missed.
// Usual   the longest recent response time; each faster response lowers it by at most an eighth. After twice that time,
//         but at least kBesideMin and at most kBesideMax, another node is asked in parallel.
// Time    monotonic, given by the caller.
// Owner   one actor; not thread-safe.
#include <algorithm>
#include <optional>

#include "runtime/base/time.hpp"

namespace troupe::chain {

class PeerScore {
 public:
  static constexpr std::chrono::seconds kHoldMax{64};    // our choice
  static constexpr unsigned kBusyMax = 3;                // our choice
  static constexpr std::chrono::seconds kBesideMin{1};   // our choice: small responses arrive by then
  static constexpr std::chrono::seconds kBesideMax{10};  // our choice: the largest takes half of it at 4 Mbit/s

  /// The node did not respond in time, or delivered nothing that it had announced.
  void missed(base::Instant now) {
    const std::chrono::seconds span{std::uint64_t{1} << std::min(misses_, 6u)};
    ++misses_;
    held_to_ = std::max(held_to_, now + std::min(span, kHoldMax));
  }
  /// It responded that it is busy.
  void busy(base::Instant now) {
    if (++busy_ > kBusyMax) missed(now);
  }
  void gave() {
    held_to_ = {};
    misses_ = busy_ = 0;
    given_ = true;
  }
  /// Its delivery was useful and took this long.
  void took(base::Duration time) { usual_ = usual_ ? std::max(time, *usual_ - *usual_ / 8) : time; }

  bool may_ask(base::Instant now) const { return now >= held_to_; }
  /// Nodes with a lower rank are asked first.
  unsigned rank() const { return misses_ + busy_ + (given_ ? 0 : 1); }
  /// Returns how long a request may take until another node is asked too.
  base::Duration alone() const {
    return std::clamp<base::Duration>(2 * usual_.value_or(base::Duration::zero()), kBesideMin, kBesideMax);
  }

 private:
  base::Instant held_to_{};
  unsigned misses_ = 0, busy_ = 0;
  bool given_ = false;  // it has delivered at least once
  std::optional<base::Duration> usual_;
};

}  // namespace troupe::chain
