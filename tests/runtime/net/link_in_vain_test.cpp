// What `/peers` hears of dials that were made because an actor wanted to talk to another node.
#include <doctest/doctest.h>

#include "runtime/net/peer.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/village.hpp"

namespace troupe::test {
namespace {

using namespace std::chrono_literals;
using Met = net::wire::NotThere::Met;
using Number = bench::wire::Number;

base::Contact contact_of(Village& village, std::size_t house, const base::Endpoint& at) {
  return {village[house].pool->setup().identity->public_key(), 0, at};
}

/// Asks house 1 from house 0.
void ask(Village& village, Outcome& seen, base::Duration then) {
  village.inside(
      0,
      [&](Scripted& self) {
        self.ask<Number, Number>(self.node().remote(village[1].id(), "/count"), self.now() + 30s, number(1),
                                 seen.note());
      },
      then);
}

TEST_CASE("link: `/peers` hears that a node was dialled in vain where it had said, and whom the dial met") {
  Outcome seen;
  Village village(3);
  const auto expect = [&](const base::Endpoint& at, Met met) {
    village.believed[village[1].id()] = at;
    ask(village, seen, 20s);
    CHECK(seen.code == base::Code::unavailable);
    REQUIRE(village.in_vain.size() == 1);
    CHECK(village.in_vain[0].contact == contact_of(village, 1, at));
    CHECK(village.in_vain[0].met == met);
  };
  SUBCASE("another node") { expect(*village[2].address, Met::ANOTHER); }
  SUBCASE("this node itself") { expect(*village[0].address, Met::OURSELVES); }
  SUBCASE("nobody") { expect({village[1].address->address, 9}, Met::NOBODY); }
}

TEST_CASE("link: a dial that this node gave up, or that led to a link, says nothing of the address") {
  Outcome seen;
  Village village(2);
  SUBCASE("a link that ended later") {
    village.serve<Number>(1, "count", successor);
    ask(village, seen, 1s);
    CHECK(seen.value == 2);
    net::hang_up(*village[0].pool->in_service(village[1].id()));
    village.stage.run_for(5s);
    CHECK(village[0].pool->rows().empty());
  }
  SUBCASE("a dial that was hung up") {
    village.fabric->cut(village[0].address->address, village[1].address->address);
    ask(village, seen, 10ms);
    CHECK_FALSE(seen.code.has_value());
    for (const auto& link : village[0].pool->close()) net::hang_up(*link);
    village.stage.run_for(1s);
    CHECK(seen.code == base::Code::unavailable);
  }
  CHECK(village.in_vain.empty());
}

}  // namespace
}  // namespace troupe::test
