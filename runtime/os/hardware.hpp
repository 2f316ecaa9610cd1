#pragma once
// Describes the machine with the data of Linux.
//
// Source  proc(5): loadavg, meminfo, stat; sched_getaffinity(2). Unreadable values are 0.
#include <mutex>

#include "runtime/ports/hardware.hpp"

namespace troupe::os {

class Hardware final : public ports::Hardware {
 public:
  Has has() const override;
  Busy busy() override;

 private:
  std::mutex lock_;
  std::uint64_t all_ = 0, idle_ = 0;  // processor ticks at the last call
};

}  // namespace troupe::os
