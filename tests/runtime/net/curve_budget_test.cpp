#include "runtime/net/logic/curve_budget.hpp"

#include <doctest/doctest.h>

#include <string>

#include "runtime/base/ensure.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using net::CurveBudget;
using net::CurveGrant;
using net::CurveLimits;
using troupe::test::kStart;

namespace {

constexpr CurveLimits kSmall{.neighbours_per_second = 1, .neighbours_burst = 2, .all_per_second = 10, .all_burst = 3};

base::Endpoint at(const std::string& text) { return *base::Endpoint::parse(text); }

}  // namespace

TEST_CASE("net: strangers of one neighbourhood share a budget, and others have their own") {
  struct Neighbours {
    const char* first;
    const char* second;
    const char* other;
  };
  for (const auto& [first, second, other] :
       {Neighbours{"192.0.2.1:1", "192.0.2.255:2", "192.0.3.1:1"},
        Neighbours{"[2001:db8:1::1]:1", "[2001:db8:1:ffff::1]:2", "[2001:db8:2::1]:1"}}) {
    CurveBudget budget(kSmall, kStart);
    CHECK(budget.take(at(first), kStart) == CurveGrant::granted);
    CHECK(budget.take(at(second), kStart) == CurveGrant::granted);
    CHECK(budget.take(at(first), kStart) == CurveGrant::neighbours_spent);
    CHECK(budget.take(at(second), kStart) == CurveGrant::neighbours_spent);
    CHECK(budget.take(at(other), kStart) == CurveGrant::granted);  // a refused operation charges no rate
    CHECK(budget.take(at("198.51.100.1:1"), kStart) == CurveGrant::all_spent);
    CHECK(budget.neighbourhoods() == 2);
    CHECK(budget.take(at("198.51.100.1:1"), kStart + 100ms) == CurveGrant::granted);
    CHECK(budget.take(at(first), kStart + 1s - 1ns) == CurveGrant::neighbours_spent);
    CHECK(budget.take(at(first), kStart + 1s) == CurveGrant::granted);
  }
}

TEST_CASE("net: a flood from everywhere never needs more buckets than there are") {
  CurveBudget budget({}, kStart);
  std::uint64_t granted = 0;
  base::Endpoint from = at("[2001:db8::1]:1");
  for (int i = 0; i < 80'000; ++i) {  // another site each 100 us, for 8 s
    from.address[3] = static_cast<std::uint8_t>(i);
    from.address[4] = static_cast<std::uint8_t>(i >> 8);
    granted += budget.take(from, kStart + i * 100us) == CurveGrant::granted ? 1 : 0;
    REQUIRE(budget.neighbourhoods() <= net::kNeighboursMax);
  }
  CHECK(granted > net::kNeighboursMax);
  CHECK(granted <= 1024 + 8 * 512);
}

TEST_CASE("net: a budget of nothing grants nothing, and one that could need more buckets cannot be made") {
  CurveBudget none({.neighbours_burst = 0}, kStart);
  CHECK(none.take(at("192.0.2.1:1"), kStart) == CurveGrant::neighbours_spent);
  CurveBudget none_at_all({.all_per_second = 0, .all_burst = 0}, kStart);
  CHECK(none_at_all.take(at("192.0.2.1:1"), kStart) == CurveGrant::all_spent);
  CHECK(none_at_all.neighbourhoods() == 0);
  CHECK_THROWS_AS(CurveBudget({.neighbours_per_second = 0}, kStart), base::InvariantBroken);
  CHECK_THROWS_AS(CurveBudget({.all_burst = 4096}, kStart), base::InvariantBroken);
}
