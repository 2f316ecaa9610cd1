#pragma once
// The simulation has one thread: an actor that wants its own thread runs inline.
#include "runtime/ports/threads.hpp"

namespace troupe::sim {

class Threads final : public ports::Threads {
 public:
  bool real() const override { return false; }
};

}  // namespace troupe::sim
