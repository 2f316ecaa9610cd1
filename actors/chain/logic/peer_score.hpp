#pragma once
// When a node is asked again that did not give what it was asked for, and how long it is waited for alone.
//
// Hold    1 s after the first miss, doubled each time, kHoldMax at most. What it gives ends the count.
// Busy    a node that does much says so: the first kBusyMax such answers in a row hold it off for nothing.
// Rank    who has given comes first, then who was never asked, then who has missed.
// Usual   the longest of its last answers: a quicker one lowers it by an eighth. After twice as long, kBesideMin at
//         least and kBesideMax at most, another node is asked beside.
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
  static constexpr std::chrono::seconds kBesideMin{1};   // our choice: small answers are there by then
  static constexpr std::chrono::seconds kBesideMax{10};  // our choice: the largest one takes half of it, at 4 Mbit/s

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
  void gave() {
    held_to_ = {};
    misses_ = busy_ = 0;
    given_ = true;
  }
  /// What it gave was of use, and took so long.
  void took(base::Duration time) { usual_ = usual_ ? std::max(time, *usual_ - *usual_ / 8) : time; }

  bool may_ask(base::Instant now) const { return now >= held_to_; }
  /// Others with less are asked first.
  unsigned rank() const { return misses_ + busy_ + (given_ ? 0 : 1); }
  /// How long it may take until another one is asked beside.
  base::Duration alone() const {
    return std::clamp<base::Duration>(2 * usual_.value_or(base::Duration::zero()), kBesideMin, kBesideMax);
  }

 private:
  base::Instant held_to_{};
  unsigned misses_ = 0, busy_ = 0;
  bool given_ = false;  // before the misses
  std::optional<base::Duration> usual_;
};

}  // namespace troupe::chain
