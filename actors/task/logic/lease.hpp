#pragma once
// The lease of an attempt whose program talks to hosts: what it does there cannot be undone, so two never run at once.
//
// Worker       asks its coordinator again and again, and counts the lease from the moment at which it asked. It starts
//              the program under a lease, and ends it with that.
// Coordinator  a lease that it has granted ends at the latest that long after its last answer: no answer later than
//              that counts from a later moment. Clocks of both may differ in speed by a tenth.
// Source       Gray & Cheriton, "Leases: an efficient fault-tolerant mechanism for distributed file cache consistency",
//              1989: 2 and 5.
#include <algorithm>

#include "runtime/base/time.hpp"

namespace troupe::task {

/// A coordinator that began anew does not know when it has answered last, nor with which setting.
inline constexpr base::Duration kLeaseMin = std::chrono::seconds{1}, kLeaseMax = std::chrono::seconds{30};

inline base::Duration lease_within(base::Duration length) { return std::clamp(length, kLeaseMin, kLeaseMax); }

/// How often a worker gives a sign of life in the stream of an attempt: its submitter takes silence of `length` for its
/// end.
inline base::Duration sign_period(base::Duration length) {
  return std::min<base::Duration>(lease_within(length) / 4, std::chrono::seconds{1});
}

/// At the worker.
class Lease {
 public:
  explicit Lease(base::Duration length) : length_(lease_within(length)) {}
  /// It was granted, by the answer to what was asked at `asked`.
  void renewed(base::Instant asked) { end_ = std::max(end_, asked + length_); }
  bool holds(base::Instant now) const { return now < end_; }
  base::Instant end() const { return end_; }
  /// How often to ask.
  base::Duration period() const { return length_ / 5; }

 private:
  base::Duration length_;
  base::Instant end_{};
};

/// At the coordinator: when nothing runs any more under a lease of `length` that was granted at `answered` last. The
/// second is for the worker to kill its program.
inline base::Instant surely_ended(base::Instant answered, base::Duration length) {
  const base::Duration within = lease_within(length);
  return answered + within + within / 10 + std::chrono::seconds(1);
}

}  // namespace troupe::task
