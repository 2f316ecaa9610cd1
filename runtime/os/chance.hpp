#pragma once
// Random bytes from the kernel.
#include "runtime/ports/chance.hpp"

namespace troupe::os {

class Chance final : public ports::Chance {
 public:
  /// getrandom(2). A failure breaks an invariant, because nothing may continue with predictable bytes.
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace troupe::os
