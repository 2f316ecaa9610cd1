// How many stores of each node are looked at.
#include "actors/dht/logic/store_budget.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/records.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;

TEST_CASE("dht store budget: each node has its own, which comes back with time") {
  StoreBudget budget({.per_second = 2, .burst = 3});
  const base::Instant now{100s};
  for (int i = 0; i < 3; ++i) CHECK_FALSE(budget.take(key(1), now));
  CHECK(budget.take(key(1), now) == 500ms);
  CHECK(budget.take(key(1), now) == 500ms);  // to be refused costs nothing
  CHECK_FALSE(budget.take(key(2), now));
  CHECK_FALSE(budget.take(key(1), now + 500ms));
  CHECK(budget.take(key(1), now + 500ms));
}

TEST_CASE("dht store budget: of so many nodes at once each is remembered until its budget is full, and no more are") {
  StoreBudget budget({.per_second = 1, .burst = 2});
  const base::Instant now{100s};
  for (std::size_t i = 0; i < kStorersMax; ++i) {
    CHECK_FALSE(budget.take(key(static_cast<int>(i % 256), static_cast<int>(i / 256)), now));
  }
  CHECK(budget.take(key(0, 255), now));
  CHECK_FALSE(budget.take(key(0), now));  // who is known has its own still
  CHECK(budget.storers() == kStorersMax);
  CHECK_FALSE(budget.take(key(0, 255), now + 1s));
  CHECK(budget.storers() == 2);  // and the one that has taken twice
}
