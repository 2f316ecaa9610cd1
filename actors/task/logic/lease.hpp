#pragma once
// The lease of an attempt whose program talks to hosts. Effects on a host cannot be undone, so two attempts never run
// at once.
//
// Worker       requests the lease again and again, and counts it from the time of the request. It starts the program
//              under a lease, and ends it with the lease.
// Coordinator  a lease ends at most its length after the last response that granted it, because every response comes
//              after its request. The two clocks may differ in speed by a tenth.
// Source       Gray & Cheriton, "Leases: an efficient fault-tolerant mechanism for distributed file cache consistency",
//              1989: 2 and 5.
#include <algorithm>

#include "runtime/base/time.hpp"

namespace troupe::task {

/// Limits of a lease. A restarted coordinator waits for the longest lease, because it knows neither the time of its
/// last response nor the setting at that time.
inline constexpr base::Duration kLeaseMin = std::chrono::seconds{1}, kLeaseMax = std::chrono::seconds{30};

inline base::Duration lease_within(base::Duration length) { return std::clamp(length, kLeaseMin, kLeaseMax); }

/// Returns how often a worker sends a sign of life in the stream of an attempt. Its submitter ends an attempt that is
/// silent for `length`.
inline base::Duration sign_period(base::Duration length) {
  return std::min<base::Duration>(lease_within(length) / 4, std::chrono::seconds{1});
}

/// The lease at the worker.
class Lease {
 public:
  explicit Lease(base::Duration length) : length_(lease_within(length)) {}
  /// Extends the lease: the request sent at `asked` was granted.
  void renewed(base::Instant asked) { end_ = std::max(end_, asked + length_); }
  bool holds(base::Instant now) const { return now < end_; }
  base::Instant end() const { return end_; }
  /// Returns the time between two requests.
  base::Duration period() const { return length_ / 5; }

 private:
  base::Duration length_;
  base::Instant end_{};
};

/// Returns, for the coordinator, from when on no program can run under a lease of `length` that was last granted at
/// `answered`. One second is added for the worker to kill its program.
inline base::Instant surely_ended(base::Instant answered, base::Duration length) {
  const base::Duration within = lease_within(length);
  return answered + within + within / 10 + std::chrono::seconds(1);
}

}  // namespace troupe::task
