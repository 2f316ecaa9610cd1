#pragma once
// On Linux an actor that blocks on its device gets its own thread.
#include "runtime/ports/threads.hpp"

namespace troupe::os {

class Threads final : public ports::Threads {
 public:
  bool real() const override { return true; }
};

}  // namespace troupe::os
