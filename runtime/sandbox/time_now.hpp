#pragma once
// The clock of this folder: its limits and checks use real time, so it asks the kernel.
#include "runtime/base/time.hpp"

namespace troupe::sandbox {

/// Returns the monotonic time.
inline base::Instant time_now() {
  return base::Instant(std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

}  // namespace troupe::sandbox
