// How much is checked for a neighbour before it is known whether it was of use.
#include "actors/chain/logic/credit.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::chain;

TEST_CASE("credit: what is of no use costs its window once, and then a few checks a second") {
  Credit credit;
  base::Instant now;
  std::uint64_t checked = 0;
  for (int step = 0; step < 10'000; ++step) {  // 100 seconds
    while (credit.take(now, 32)) {
      checked += 32;
      credit.wasted(32);
    }
    now = now + std::chrono::milliseconds(10);
  }
  CHECK(checked <= Credit::kLeast + 100 * Credit::kEach);
  CHECK(checked >= 99 * Credit::kEach);
}

TEST_CASE("credit: what is of use opens the window, at one instant too") {
  Credit credit;
  const base::Instant now;
  std::uint64_t rounds = 0, sent = 0;
  for (; sent < 20'000; ++rounds) {
    std::uint32_t taken = 0;
    while (credit.take(now, 1)) ++taken;
    REQUIRE(taken > 0);
    credit.used(taken);
    sent += taken;
  }
  CHECK(rounds < 20);
  std::uint32_t most = 0;
  while (credit.take(now, 1)) ++most;
  CHECK(most == Credit::kMost);
}

TEST_CASE("credit: it says when what is wanted will be there") {
  Credit credit;
  base::Instant now = base::Instant{} + std::chrono::seconds(5);
  REQUIRE(credit.take(now, Credit::kLeast));
  credit.wasted(Credit::kLeast);
  const base::Duration wait = credit.wait(now, 10);
  CHECK(wait > base::Duration::zero());
  CHECK_FALSE(credit.take(now + wait - base::Duration(1), 10));
  CHECK(credit.take(now + wait, 10));
  CHECK(credit.wait(now, 0) == base::Duration::zero());
}
