#pragma once
// The machine as Linux describes it.
//
// Source  proc(5): loadavg, meminfo, stat; sched_getaffinity(2). What cannot be read is 0.
#include <mutex>

#include "runtime/ports/hardware.hpp"

namespace troupe::os {

class Hardware final : public ports::Hardware {
 public:
  Has has() const override;
  Busy busy() override;

 private:
  std::mutex lock_;
  std::uint64_t all_ = 0, idle_ = 0;  // ticks of the processors at the last question
};

}  // namespace troupe::os
