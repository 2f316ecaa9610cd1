// How an inspector names the actors behind a link.
#include <doctest/doctest.h>

#include "runtime/net/peer.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using bench::wire::Number;

namespace {

std::string first_digits(const NetCluster::Member& member) { return member.id().hex().substr(0, 8); }

/// The one name that a member has for that number; empty if it has none.
std::string name_of(const NetCluster::Member& member, std::uint64_t number) {
  const auto names = member.node.remote_names({number});
  return names.empty() ? std::string() : names.at(number);
}

}  // namespace

TEST_CASE("link: an actor of another node is named by the node and its path, and a sender by the node") {
  NetCluster cluster(2);
  std::uint64_t asker = 0;
  const auto counter = cluster.serve<Number>(1, "count", [&](Scripted& self, runtime::Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader asked, runtime::Reply<Number> reply) {
      asker = self.sender().id();
      reply.send(number(asked.getValue() + 1));
    });
  });
  Outcome outcome;
  std::uint64_t asked = 0;
  cluster.inside(0, [&](Scripted& self) {
    const auto handle = self.node().remote(cluster[1].id(), "/count");
    asked = handle.id();
    self.ask<Number, Number>(handle, self.now() + 5s, number(41), outcome.note());
  });
  REQUIRE(outcome.value == 42);
  CHECK(name_of(cluster[0], asked) == first_digits(cluster[1]) + ":/count");
  CHECK(name_of(cluster[1], asker) == first_digits(cluster[0]));
  CHECK(name_of(cluster[0], cluster[0].outside.handle().id()).empty());

  SUBCASE("also after the link has ended, for what was said over it is remembered") {
    for (const auto& link : cluster[0].pool->in_service()) net::hang_up(*link);
    cluster.stage.run_for(1s);
    REQUIRE(cluster[0].pool->rows().empty());
    CHECK(name_of(cluster[0], asked) == first_digits(cluster[1]) + ":/count");
    CHECK(name_of(cluster[1], asker) == first_digits(cluster[0]));
  }
}
