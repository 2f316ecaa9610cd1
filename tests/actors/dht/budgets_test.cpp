// What other nodes together may cost this node.
#include "actors/dht/logic/budgets.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/records.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;

namespace {

Budgets::User of_node(int number, std::uint8_t group = 1) {
  base::AddressGroup where;
  where.prefix[0] = group;
  return {key(number), where, false};
}

constexpr BudgetLimits kSixteen{.questions_per_second = 16, .checks_per_second = 16, .written_per_second = 16};
constexpr base::Instant kBegin{100s};

}  // namespace

TEST_CASE("dht budgets: a node that takes everything leaves others their shares, and its own come back with time") {
  Budgets budgets(kSixteen);  // a burst of 64: 8 in reserve, a group has 16, an id 4
  unsigned taken = 0;
  while (!budgets.take(Resource::checks, of_node(1), kBegin)) ++taken;
  CHECK(taken == 33);  // down to half of it
  CHECK_FALSE(budgets.take(Resource::checks, of_node(2, 2), kBegin));
  CHECK_FALSE(budgets.take(Resource::questions, of_node(1), kBegin));  // each resource for itself
  CHECK_FALSE(budgets.take(Resource::written, of_node(1), kBegin));
  const auto wait = budgets.take(Resource::checks, of_node(1), kBegin);
  REQUIRE(wait);
  CHECK(*wait <= 1s);
  CHECK_FALSE(budgets.take(Resource::checks, of_node(1), kBegin + *wait));
}

TEST_CASE("dht budgets: twenty-five ids of one line together have what one group has") {
  Budgets budgets(kSixteen);
  unsigned taken = 0;
  for (int i = 0; i < 250; ++i) taken += !budgets.take(Resource::checks, of_node(i % 25), kBegin);
  CHECK(taken == 33);
  for (int i = 0; i < 4; ++i) CHECK_FALSE(budgets.take(Resource::checks, of_node(30, 2), kBegin));
  CHECK(budgets.take(Resource::checks, of_node(30, 2), kBegin));
}

TEST_CASE("dht budgets: this node itself never waits") {
  Budgets budgets(kSixteen);
  Budgets::User own = of_node(1);
  own.reserved = true;
  for (int i = 0; i < 100; ++i) CHECK_FALSE(budgets.take(Resource::written, own, kBegin));
}

TEST_CASE("dht budgets: a record of the largest size fits, and more than all there is does not") {
  const std::uint32_t largest = written(kRecordBytesMax);
  Budgets budgets({.questions_per_second = 16, .checks_per_second = 16, .written_per_second = 1u << 20});
  CHECK_FALSE(budgets.take(Resource::written, of_node(1), kBegin, largest));
  CHECK(budgets.take(Resource::written, of_node(1), kBegin, 4u << 20) == base::Duration::max());
}
