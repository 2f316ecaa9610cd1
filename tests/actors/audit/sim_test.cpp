// The operations that `troupe sim audit` draws.
#include "actors/audit/sim.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/sim/in_spec.hpp"

using namespace troupe;
using namespace std::chrono_literals;

TEST_CASE("audit sim: each drawn operation is in the spec, and the same seed draws the same operations") {
  for (const unsigned load : {0u, 50u, 100u})
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const sim::Shape shape{static_cast<std::uint16_t>(1 + seed), 60s, 0, load};
      base::Random random(seed), same(seed);
      const auto operations = audit::workload().draw(random, shape);
      CHECK(!operations.empty());
      for (const sim::Operation& one : operations)
        CHECK_MESSAGE(test::in_spec(one, audit::workload(), shape), one.what);
      CHECK(audit::workload().draw(same, shape) == operations);
    }
}
