#pragma once
// The time of a node.
#include "runtime/base/time.hpp"
#include "runtime/ports/handle.hpp"

namespace troupe::ports {

class Clock {
 public:
  virtual ~Clock() = default;

  /// Returns monotonic time, with which deadlines are compared. Safe from any thread.
  virtual base::Instant now() const = 0;

  /// Returns a value of now() that is at most a few milliseconds old, at a fraction of the cost: for counters. Safe
  /// from any thread.
  virtual base::Instant coarse() const { return now(); }

  /// Returns the date, for records and logs; it may step. Safe from any thread.
  virtual base::WallTime wall() const = 0;

  /// Sends `sleeper` one wake-up at `at` or soon after. A later call replaces an earlier one: an actor has at most one
  /// wake-up. A wake-up is a hint; the actor compares its deadlines with now() again.
  virtual void wake(const runtime::Handle& sleeper, base::Instant at) = 0;

  /// Cancels the wake-up of an actor that ends. A wake-up in flight may still arrive.
  virtual void forget(const runtime::Handle& sleeper) = 0;
};

}  // namespace troupe::ports
