// Links whose channel is not TLS, as simulations have them.
#include <doctest/doctest.h>

#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/village.hpp"

namespace troupe::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("link: over channels without TLS nodes prove who they are and talk as over TLS") {
  using Number = bench::wire::Number;
  Village village(2, 5, {}, {}, true);
  village.serve<Number>(1, "count", successor);
  Outcome seen;
  village.inside(0, [&](Scripted& self) {
    const auto remote = self.node().remote(village[1].id(), "/count");
    self.ask<Number, Number>(remote, self.now() + 5s, number(41), seen.note());
  });
  CHECK(seen.value == 42);
  REQUIRE(village[1].pool->rows().size() == 1);
  CHECK(village[1].pool->rows()[0].node == village[0].id());
  CHECK(village[1].pool->rows()[0].token == village[0].pool->rows()[0].token);
}

}  // namespace
}  // namespace troupe::test
