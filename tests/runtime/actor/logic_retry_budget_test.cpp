#include <doctest/doctest.h>

#include "runtime/actor/logic/retry_budget.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::runtime::logic;
using namespace std::chrono_literals;
using base::Duration;
using base::Instant;

TEST_CASE("budget: retries are a tenth of the requests and a small reserve") {
  const Instant now{100s};
  base::Random random(1);
  RetryBudget budget(RetryPolicy{}, now);
  const auto retries = [&](Instant when) {
    int out = 0;
    while (budget.retry(1, when, random)) ++out;
    return out;
  };
  CHECK(retries(now) == 10);  // the reserve
  for (int i = 0; i < 500; ++i) budget.requested();
  CHECK(retries(now) == 50);
  for (int i = 0; i < 9; ++i) budget.requested();
  CHECK(retries(now) == 0);
  CHECK(retries(now + 3s) == 3);
  for (std::uint64_t i = 0; i < test::rounds(1'000'000); ++i) budget.requested();
  CHECK(retries(now + 3s) == 100);  // what good times save up is limited
}

TEST_CASE("budget: the delay of a retry is random below a doubling bound, and no request retries for ever") {
  const Instant now{100s};
  base::Random random(1);
  RetryPolicy policy;
  policy.retries_max = 40;
  policy.reserve_max = 10'000;
  RetryBudget budget(policy, now);
  Duration bound = 100ms;
  for (std::uint32_t retry = 1; retry <= 40; ++retry) {
    Duration longest{0};
    for (int i = 0; i < 100; ++i) {
      const auto delay = budget.retry(retry, now, random);
      REQUIRE(delay.has_value());
      CHECK(*delay <= bound);
      longest = std::max(longest, *delay);
    }
    CHECK(longest > bound / 2);
    bound = std::min<Duration>(bound * 2, 10s);
  }
  CHECK_FALSE(budget.retry(41, now, random).has_value());
  CHECK_FALSE(budget.retry(0, now, random).has_value());
  CHECK(budget.retry(1, now, random, 1min) == 1min);  // as the other side asked
}
