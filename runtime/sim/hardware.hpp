#pragma once
// A simulated machine, whose load a test sets.
#include "runtime/ports/hardware.hpp"

namespace troupe::sim {

class Hardware final : public ports::Hardware {
 public:
  Has has() const override { return has_; }
  Busy busy() override { return busy_; }

  void set(Has has) { has_ = std::move(has); }
  void set(Busy busy) { busy_ = busy; }

 private:
  Has has_{.cores = 2, .memory_bytes = std::uint64_t{8} << 30, .arch = "x86_64", .runtimes = {"python3"}};
  Busy busy_{.load = 100, .memory = 300, .cpu = 50};
};

}  // namespace troupe::sim
