// The operations of the simulation of peers, without a world.
#include "actors/peers/sim.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/sim/in_spec.hpp"

namespace troupe::peers {
namespace {

using namespace std::chrono_literals;

TEST_CASE("peers sim: each operation drawn is in the spec, at a node and a moment of the world") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    base::Random random(seed);
    const sim::Shape shape{static_cast<std::uint16_t>(1 + seed), 60s, 0, 100};
    const auto operations = workload().draw(random, shape);
    CHECK(operations.size() == 40);
    for (const sim::Operation& operation : operations)
      CHECK_MESSAGE(test::in_spec(operation, workload(), shape), operation.what);
  }
}

TEST_CASE("peers sim: the same seed draws the same operations, another one others") {
  const auto draw = [](std::uint64_t seed) {
    base::Random random(seed);
    return workload().draw(random, {5, 60s, 0, 50});
  };
  CHECK(draw(7) == draw(7));
  CHECK(draw(7) != draw(8));
}

}  // namespace
}  // namespace troupe::peers
