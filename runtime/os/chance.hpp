#pragma once
// Random bytes from the kernel.
#include "runtime/ports/chance.hpp"

namespace troupe::os {

class Chance final : public ports::Chance {
 public:
  /// Calls getrandom(2). A failure is a broken invariant, because nothing may continue with predictable bytes.
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace troupe::os
