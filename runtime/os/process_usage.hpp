#pragma once
// The resources that this process uses, as the kernel counts them.
//
// Source  proc(5), getrusage(2). Counting open descriptors takes some microseconds per hundred.
#include <cstdint>
#include <optional>

#include "runtime/base/time.hpp"

namespace troupe::os {

/// Values are 0 or nullopt if the kernel does not report them, as in a sandbox without /proc.
struct ProcessUsage {
  base::Duration cpu{0};  ///< of all threads, user and system
  std::optional<std::uint64_t> resident_bytes, virtual_bytes;
  std::optional<std::uint64_t> descriptors_open, descriptors_max;
  std::optional<base::WallTime> started;  ///< to a hundredth of a second
};

/// Safe from any thread.
ProcessUsage process_usage();

}  // namespace troupe::os
