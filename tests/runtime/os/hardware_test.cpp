#include "runtime/os/hardware.hpp"

#include <doctest/doctest.h>

using namespace troupe;

// A program without work whose processes wait uninterruptibly made a whole node look overloaded.
TEST_CASE("os hardware: where the processors are not busy, no more than one thread a core counts as load") {
  os::Hardware hardware;
  for (int i = 0; i < 3; ++i) {
    const ports::Hardware::Busy busy = hardware.busy();
    CHECK((busy.cpu >= 900 || busy.load <= 1'000));
    CHECK(busy.memory <= 1'000);
  }
  CHECK(hardware.has().cores >= 1);
}
