// What operations are drawn from, and the questions at the end of a world.
#include "runtime/sim/draw.hpp"

#include <doctest/doctest.h>

#include <set>

#include "runtime/sim/closing.hpp"
#include "tests/runtime/sim/nodes_fixture.hpp"

using namespace std::chrono_literals;
namespace base = troupe::base;
namespace sim = troupe::sim;

TEST_CASE(
    "sim draw: the count of operations follows from time and load, between one and half of what a file may have") {
  base::Random random(1);
  const auto count = [&](base::Duration time, unsigned load) {
    const sim::Shape shape{5, time, 0, load};
    return sim::Draw(random, shape).count(5, 120);
  };
  CHECK(count(60s, 0) == 5);
  CHECK(count(60s, 100) == 120);
  CHECK(count(60s, 101) == 120);
  CHECK(count(120s, 50) == 124);
  CHECK(count(0s, 100) == 1);
  CHECK(count(24h * 366, 100) == sim::kOperationsMax / 2);
}

TEST_CASE("sim draw: moments, nodes and numbers keep to their bounds, also in the smallest world") {
  base::Random random(1);
  const sim::Shape shape{3, 60s, 0, 50}, smallest{0, 0s, 0, 0};
  sim::Draw draw(random, shape), least(random, smallest);
  const auto moments = draw.moments(100);
  CHECK(moments.size() == 100);
  CHECK(std::is_sorted(moments.begin(), moments.end()));
  CHECK(moments.front() >= 0s);
  CHECK(moments.back() < 60s);
  std::set<std::uint16_t> nodes;
  for (int i = 0; i < 100; ++i) {
    nodes.insert(draw.node());
    CHECK(draw.moment(10).count() < 10);
    CHECK(draw.below(7) < 7);
  }
  CHECK(nodes == std::set<std::uint16_t>{0, 1, 2});
  CHECK(least.node() == 0);
  CHECK(least.moment() == 0s);
  std::vector<int> one{4};
  CHECK(&draw.pick(one) == &one.front());
}

namespace {

struct ReadOf {
  int of = 0;
  std::string text() const { return "a read of " + std::to_string(of); }
};

}  // namespace

TEST_CASE("sim closing: questions go to nodes that serve, a few at once, until each is done") {
  troupe::test::NodesFixture nodes(2);
  using Closing = sim::Closing<ReadOf>;
  std::vector<Closing::Check*> asked;
  Closing closing(nodes, [&](Closing::Check& check) { asked.push_back(&check); });
  nodes.kill(1);
  for (int i = 0; i < 10; ++i) closing.add(0, {i});
  closing.add(1, {10});
  CHECK(asked.empty());
  closing.go_on();
  CHECK(asked.size() == sim::kChecksPerNode);
  CHECK(closing.waits().size() == 11);
  CHECK(closing.waits().front() == "a read of 0 at n1 is not done yet");

  SUBCASE("one that is done makes room for the next") {
    closing.ended(*asked[0], true, "");
    CHECK(asked.size() == sim::kChecksPerNode + 1);
    CHECK(closing.waits().size() == 10);
  }
  SUBCASE("one that failed rests until the next probe") {
    closing.ended(*asked[0], false, "timeout: no answer");
    CHECK(closing.waits().front() == "a read of 0 at n1 failed: timeout: no answer");
    for (std::size_t i = 1; i < 10; ++i) closing.ended(*asked[i], true, "");
    CHECK(asked.size() == 10);
    closing.probe();
    REQUIRE(asked.size() == 11);
    CHECK(asked[10] == asked[0]);
    CHECK(asked[0]->tries == 2);
  }
  SUBCASE("a node that died is asked again once it serves") {
    nodes.kill(0);
    closing.died(0);
    closing.probe();
    CHECK(asked.size() == sim::kChecksPerNode);
    nodes.boot(0);
    nodes.boot(1);
    closing.probe();
    CHECK(asked.size() == 2 * sim::kChecksPerNode + 1);
  }
}
