// How an inspector names those who are behind a link.
#include <doctest/doctest.h>

#include "runtime/net/peer.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/village.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using bench::wire::Number;

namespace {

std::string first_digits(const Village::House& house) { return house.id().hex().substr(0, 8); }

/// The one name that a house has for that number; empty if it has none.
std::string name_of(const Village::House& house, std::uint64_t number) {
  const auto names = house.node.remote_names({number});
  return names.empty() ? std::string() : names.at(number);
}

}  // namespace

TEST_CASE("link: an actor of another node is named by the node and its path, and a sender by the node") {
  Village village(2);
  std::uint64_t asker = 0;
  const auto counter = village.serve<Number>(1, "count", [&](Scripted& self, runtime::Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader asked, runtime::Reply<Number> reply) {
      asker = self.sender().id();
      reply.send(number(asked.getValue() + 1));
    });
  });
  Outcome outcome;
  std::uint64_t asked = 0;
  village.inside(0, [&](Scripted& self) {
    const auto whom = self.node().remote(village[1].id(), "/count");
    asked = whom.id();
    self.ask<Number, Number>(whom, self.now() + 5s, number(41), outcome.note());
  });
  REQUIRE(outcome.value == 42);
  CHECK(name_of(village[0], asked) == first_digits(village[1]) + ":/count");
  CHECK(name_of(village[1], asker) == first_digits(village[0]));
  CHECK(name_of(village[0], village[0].outside.id()).empty());

  SUBCASE("also after the link has ended, for what was said over it is remembered") {
    for (const auto& link : village[0].pool->in_service()) net::hang_up(*link);
    village.stage.run_for(1s);
    REQUIRE(village[0].pool->rows().empty());
    CHECK(name_of(village[0], asked) == first_digits(village[1]) + ":/count");
    CHECK(name_of(village[1], asker) == first_digits(village[0]));
  }
}
