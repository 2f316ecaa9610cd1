#pragma once
// Draws the operations of a run: how many, when, where. A domain's own draw derives from it.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "runtime/base/random.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::sim {

class Draw {
 public:
  /// `random` and `shape` outlive this object.
  Draw(base::Random& random, const Shape& shape) : random_(random), shape_(shape) {}

  /// Returns the number of operations: `min` per minute at load 0, `max` per minute at load 100. At least one, and at
  /// most half of kOperationsMax, so that two domains fit into one run.
  std::size_t count(std::uint64_t min, std::uint64_t max) const {
    const std::uint64_t a_minute = min + (max - min) * std::min(shape_.load, 100u) / 100;
    return std::clamp<std::uint64_t>(a_minute * seconds() / 60, 1, kOperationsMax / 2);
  }
  std::uint64_t seconds() const {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(shape_.time).count());
  }
  /// Returns the duration of the run in nanoseconds, at least one.
  std::uint64_t span() const { return static_cast<std::uint64_t>(std::max<std::int64_t>(shape_.time.count(), 1)); }
  /// Returns a moment less than `within` nanoseconds after the start of the run.
  base::Duration moment(std::uint64_t within) {
    return base::Duration(static_cast<std::int64_t>(random_.below(within)));
  }
  base::Duration moment() { return moment(span()); }
  /// Returns `count` random moments of the run, the earliest first.
  std::vector<base::Duration> moments(std::size_t count) {
    std::vector<base::Duration> out(count);
    for (base::Duration& at : out) at = moment();
    std::sort(out.begin(), out.end());
    return out;
  }
  std::uint16_t node() { return static_cast<std::uint16_t>(random_.below(std::max<std::uint64_t>(shape_.nodes, 1))); }
  /// Returns a number from 0; `bound` is above 0.
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(bound)));
  }
  /// Returns one element of the list, which must not be empty.
  template <class List>
  auto& pick(List& from) {
    return from[random_.below(from.size())];
  }

 protected:
  base::Random& random_;
  const Shape& shape_;
};

}  // namespace troupe::sim
