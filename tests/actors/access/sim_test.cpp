// The operations that `troupe sim access` draws.
#include "actors/access/sim.hpp"

#include <doctest/doctest.h>

#include <set>

#include "tests/runtime/sim/in_spec.hpp"

using namespace troupe;
using namespace std::chrono_literals;

TEST_CASE("access sim: each drawn operation is in the spec, and the same seed draws the same operations") {
  std::set<std::string> drawn;
  for (const unsigned load : {0u, 50u, 100u})
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const sim::Shape shape{static_cast<std::uint16_t>(1 + seed), 60s, 0, load};
      base::Random random(seed), same(seed);
      const auto operations = access::workload().draw(random, shape);
      CHECK(!operations.empty());
      for (const sim::Operation& one : operations) {
        CHECK_MESSAGE(test::in_spec(one, access::workload(), shape), one.what);
        drawn.insert(one.what);
      }
      CHECK(access::workload().draw(same, shape) == operations);
    }
  CHECK(drawn.size() == access::workload().operations.size());
}
