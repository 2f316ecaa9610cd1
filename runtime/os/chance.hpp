#pragma once
// Chance from the kernel.
#include "runtime/ports/chance.hpp"

namespace troupe::os {

class Chance final : public ports::Chance {
 public:
  /// getrandom(2). A kernel that fails it breaks an invariant: nothing may go on with guessable bytes.
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace troupe::os
