#pragma once
// When a program whose forks are refused makes a storm of them.
//
// Fast   over kFast refused within a second.
// Slow   over kSlow within ten seconds, some in at least kSlowSeconds of them: a busy machine slows a storm down, and
//        shells wait before they try again. A program that meets its limit once, and then lives with it, does not.
// Source the numbers are our choice; the kernel counts (pids.events).
#include <array>
#include <cstddef>
#include <cstdint>

#include "runtime/base/time.hpp"

namespace troupe::sandbox {

class ForkStorm {
 public:
  static constexpr std::uint64_t kFast = 1'000, kSlow = 100;
  static constexpr std::size_t kSeconds = 10, kSlowSeconds = 5;

  /// How many were refused until now. Whether that is a storm.
  bool seen(base::Instant now, std::uint64_t refused) {
    const std::uint64_t more = refused - counted_;
    if (more > kFast) return true;
    std::uint64_t all = more;
    std::size_t with = more > 0 ? 1 : 0;
    for (const std::uint64_t one : seconds_) all += one, with += one > 0 ? 1 : 0;
    if (all > kSlow && with >= kSlowSeconds) return true;
    if (now < since_ + std::chrono::seconds{1}) return false;
    since_ = now;
    counted_ = refused;
    seconds_[next_++ % seconds_.size()] = more;
    return false;
  }

 private:
  std::uint64_t counted_ = 0;  // until the second that is under way
  base::Instant since_{};
  std::array<std::uint64_t, kSeconds - 1> seconds_{};  // before it
  std::size_t next_ = 0;
};

}  // namespace troupe::sandbox
