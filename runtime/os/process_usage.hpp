#pragma once
// What this process uses of the machine, as the kernel counts it.
//
// Source  proc(5), getrusage(2). Counting open descriptors takes some microseconds for each hundred.
#include <cstdint>
#include <optional>

#include "runtime/base/time.hpp"

namespace troupe::os {

/// Nothing where the kernel does not say, as in a sandbox without /proc.
struct ProcessUsage {
  base::Duration cpu{0};  ///< of all threads, user and system
  std::optional<std::uint64_t> resident_bytes, virtual_bytes;
  std::optional<std::uint64_t> descriptors_open, descriptors_max;
  std::optional<base::WallTime> started;  ///< to a hundredth of a second
};

/// Any thread.
ProcessUsage process_usage();

}  // namespace troupe::os
