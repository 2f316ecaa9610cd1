#pragma once
// The clock of this folder: what it limits and watches takes real time, so it asks the kernel itself.
#include "runtime/base/time.hpp"

namespace troupe::sandbox {

/// Monotonic.
inline base::Instant time_now() {
  return base::Instant(std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

}  // namespace troupe::sandbox
