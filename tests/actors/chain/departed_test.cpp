#include "actors/chain/logic/departed.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::chain;
using namespace std::chrono_literals;

namespace {

base::NodeId departed_node(std::size_t number) {
  base::NodeId out;
  out.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  out.bytes[1] = static_cast<std::uint8_t>(number);
  return out;
}

}  // namespace

TEST_CASE("departed: what a node left behind is there when it comes again, until its end") {
  Departed<int> departed;
  const base::Instant now{100s};
  departed.left(departed_node(1), 42, now);
  CHECK_FALSE(departed.came(departed_node(2), now));
  CHECK(departed.find(departed_node(2)) == nullptr);
  REQUIRE(departed.find(departed_node(1)) != nullptr);
  CHECK(*departed.find(departed_node(1)) == 42);

  SUBCASE("in time") {
    CHECK(departed.came(departed_node(1), now + Departed<int>::kKept - 1ns) == 42);
    CHECK(departed.size() == 0);
  }
  SUBCASE("too late") { CHECK_FALSE(departed.came(departed_node(1), now + Departed<int>::kKept)); }
  SUBCASE("what it leaves the second time counts") {
    departed.left(departed_node(1), 43, now + 1s);
    CHECK(departed.came(departed_node(1), now + Departed<int>::kKept) == 43);
  }
  SUBCASE("others that left too long ago make room") {
    departed.left(departed_node(2), 1, now + Departed<int>::kKept);
    CHECK(departed.size() == 1);
  }
}

TEST_CASE("departed: one more than its limit drops the node that left first") {
  Departed<std::size_t> departed;
  for (std::size_t i = 0; i <= Departed<std::size_t>::kNodesMax; ++i)
    departed.left(departed_node(i), i, base::Instant{100s} + std::chrono::milliseconds(i));
  CHECK(departed.size() == Departed<std::size_t>::kNodesMax);
  CHECK_FALSE(departed.came(departed_node(0), base::Instant{102s}));
  CHECK(departed.came(departed_node(1), base::Instant{102s}) == 1);
}
