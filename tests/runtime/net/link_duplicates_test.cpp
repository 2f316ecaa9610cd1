// Two links between the same two nodes at the same time: one of them stays, at both ends the same.
#include <doctest/doctest.h>

#include "runtime/net/peer.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using bench::wire::Number;

namespace {

void check_one_link(NetCluster& cluster) {
  REQUIRE(cluster[0].pool->rows().size() == 1);
  REQUIRE(cluster[1].pool->rows().size() == 1);
  CHECK(cluster[0].pool->rows()[0].token == cluster[1].pool->rows()[0].token);
  CHECK(cluster.fabric->streams() == 1);
}

void ask(NetCluster& cluster, std::size_t from, std::size_t to, Outcome& outcome, base::Duration then) {
  cluster.inside(
      from,
      [&, to](Scripted& self) {
        self.ask<Number, Number>(self.node().remote(cluster[to].id(), "/count"), self.now() + 5s, number(1),
                                 outcome.note());
      },
      then);
}

}  // namespace

TEST_CASE("link: two dials in the same direction end in one link") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    NetCluster cluster(2, seed);
    cluster.serve<Number>(1, "count", successor);
    const auto dial_twice = [&](Scripted&) {
      for (int i = 0; i < 2; ++i) cluster[0].pool->dial(*base::HostPort::parse(cluster[1].address->text()));
    };
    cluster.inside(0, dial_twice, net::kGiveWayMax);
    check_one_link(cluster);
    Outcome outcome;
    ask(cluster, 0, 1, outcome, 1s);
    CHECK(outcome.value == 2);
  }
}

TEST_CASE("link: dials that cross end in one link, and each question asked meanwhile is answered") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (auto apart = 0ms; apart <= 120ms; apart += 6ms) {
      CAPTURE(seed);
      CAPTURE(apart.count());
      NetCluster cluster(2, seed);
      cluster.serve<Number>(0, "count", successor);
      cluster.serve<Number>(1, "count", successor);
      std::array<Outcome, 40> there;
      Outcome back;
      ask(cluster, 0, 1, there[0], apart);
      ask(cluster, 1, 0, back, 0ms);
      for (std::size_t i = 1; i < there.size(); ++i) ask(cluster, 0, 1, there[i], 5ms);
      cluster.stage.run_for(net::kGiveWayMax);
      for (const Outcome& outcome : there) CHECK(outcome.value == 2);
      CHECK(back.value == 2);
      check_one_link(cluster);
    }
  }
}

TEST_CASE("link: however often one node dials, of its older links one at most gives way, and the others end at once") {
  NetCluster cluster(2, 1, {.handshake_timeout = 100ms});  // a later link replaces one that is older than that
  std::vector<runtime::Reply<Number>> kept;                // a question in flight keeps a link that gives way
  cluster.serve<Number>(1, "count", [&](Scripted&, runtime::Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, runtime::Reply<Number> reply) { kept.push_back(std::move(reply)); });
  });
  std::vector<std::shared_ptr<net::Link>> dialled;
  for (int i = 0; i < 20; ++i) {
    cluster.inside(0, [&](Scripted& self) {
      dialled.push_back(cluster[0].pool->dial(*base::HostPort::parse(cluster[1].address->text())));
      REQUIRE(dialled.back() != nullptr);
      self.ask<Number, Number>(dialled.back()->proxy("/count"), self.now() + 1h, number(1),
                               [](runtime::Answer<Number>) {});
    });
    CHECK(cluster.fabric->streams() <= 2);
  }
  CHECK(kept.size() == 20);
  CHECK(cluster[1].pool->rows().size() == 1);
  kept.clear();
  cluster.stage.run_for(net::kGiveWayMax);
  check_one_link(cluster);
}
