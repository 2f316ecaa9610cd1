// Links whose channel is not TLS, as simulations have them.
#include <doctest/doctest.h>

#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/net_cluster.hpp"

namespace troupe::test {
namespace {

using namespace std::chrono_literals;
using bench::wire::Number;

TEST_CASE("link: over channels without TLS nodes prove who they are and talk as over TLS") {
  NetCluster cluster(2, 5, {}, {}, true);
  cluster.serve<Number>(1, "count", successor);
  Outcome seen;
  cluster.inside(0, [&](Scripted& self) {
    const auto remote = self.node().remote(cluster[1].id(), "/count");
    self.ask<Number, Number>(remote, self.now() + 5s, number(41), seen.note());
  });
  CHECK(seen.value == 42);
  REQUIRE(cluster[1].pool->rows().size() == 1);
  CHECK(cluster[1].pool->rows()[0].node == cluster[0].id());
  CHECK(cluster[1].pool->rows()[0].token == cluster[0].pool->rows()[0].token);
}

}  // namespace
}  // namespace troupe::test
