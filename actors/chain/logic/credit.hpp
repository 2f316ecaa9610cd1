#pragma once
// How many signatures of what one neighbour tells are checked before it is known whether they were of use.
//
// Window  what may be on its way at a time. It begins at kLeast and grows by what was of use, up to kMost; what was of
//         none makes it smaller again, and comes back at kEach a second alone. So who sends what any block can have is
//         never slowed down, and others cost this node kEach checks a second, whatever a transaction has of them.
// Source  TCP's congestion window (Jacobson 1988), which falls by what was lost, not by half.
// Time    monotonic, given by the caller.
// Owner   one actor; not thread-safe.
#include <algorithm>
#include <cstdint>

#include "runtime/base/time.hpp"

namespace troupe::chain {

class Credit {
 public:
  static constexpr std::uint32_t kLeast = 64;    // two transactions with the most signatures
  static constexpr std::uint32_t kMost = 2'048;  // our choice: 0.1 s of one thread
  static constexpr std::uint32_t kEach = 64;     // our choice: 50 neighbours of none are 0.15 s a second

  /// Takes `count`, which is kLeast at most, all or none.
  bool take(base::Instant now, std::uint32_t count) {
    refill(now);
    if (level_ < count) return false;
    level_ -= count;
    return true;
  }
  /// What was taken was of use.
  void used(std::uint32_t count) {
    window_ = std::min(kMost, window_ + count);
    give_back(2 * count);
  }
  /// It was of none.
  void wasted(std::uint32_t count) {
    window_ = std::max(kLeast, window_ - std::min(window_, count));
    level_ = std::min(level_, window_);
  }
  /// It was not spent.
  void give_back(std::uint32_t count) { level_ = std::min(window_, level_ + count); }
  /// How long until `count` are there, if nothing is given back.
  base::Duration wait(base::Instant now, std::uint32_t count) {
    refill(now);
    return level_ >= count ? base::Duration::zero() : (count - level_) * kOne - (now - as_of_);
  }

 private:
  static constexpr base::Duration kOne = std::chrono::nanoseconds(std::chrono::seconds(1)) / kEach;

  void refill(base::Instant now) {
    const auto whole = now <= as_of_ ? 0 : (now - as_of_) / kOne;
    if (level_ >= window_ || whole >= kMost) {
      if (whole >= kMost) level_ = window_;
      as_of_ = std::max(as_of_, now);
      return;
    }
    level_ = std::min(window_, level_ + static_cast<std::uint32_t>(whole));
    as_of_ = as_of_ + whole * kOne;
  }

  std::uint32_t window_ = kLeast;
  std::uint32_t level_ = kLeast;
  base::Instant as_of_{};
};

}  // namespace troupe::chain
