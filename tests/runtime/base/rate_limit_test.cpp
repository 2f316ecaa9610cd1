#include "runtime/base/rate_limit.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "runtime/base/random.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using base::Duration;
using base::Instant;
using base::RateLimit;

TEST_CASE("rate limit: a rate limit lets its burst through, then its rate") {
  const Instant start{100s};
  RateLimit limit(10, 3, start);
  for (int i = 0; i < 3; ++i) CHECK(limit.take(start));
  CHECK_FALSE(limit.take(start));
  CHECK(limit.wait(start) == 100ms);
  CHECK_FALSE(limit.take(start + 100ms - 1ns));
  CHECK(limit.take(start + 100ms));
  CHECK_FALSE(limit.take(start + 100ms));

  SUBCASE("silence saves up no more than the burst") {
    CHECK(limit.full(start + 1h));
    CHECK(limit.take(start + 1h, 3));
    CHECK_FALSE(limit.take(start + 1h));
  }
  SUBCASE("all or none: a refusal takes nothing") {
    CHECK_FALSE(limit.take(start + 300ms, 3));
    CHECK(limit.take(start + 300ms, 2));
  }
  SUBCASE("a clock that steps back neither gives nor takes") {
    CHECK_FALSE(limit.take(start));
    CHECK(limit.take(start + 200ms));
    CHECK_FALSE(limit.take(start + 150ms));
    CHECK_FALSE(limit.take(start + 200ms));
  }
}

TEST_CASE("rate limit: a rate limit at its ends never overflows and never means unlimited") {
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  const Instant start{-100s};
  RateLimit nothing(most, 0, start);
  CHECK_FALSE(nothing.take(Instant::max()));
  CHECK(nothing.wait(start) == Duration::max());
  RateLimit once(0, 1, start);
  CHECK(once.take(start));
  CHECK_FALSE(once.take(Instant::max()));
  CHECK(once.wait(start) == Duration::max());
  RateLimit large(most, most, start);
  CHECK(large.take(start, most));
  CHECK_FALSE(large.take(start, 1));
  CHECK(large.wait(start, most) == 1s);
  CHECK_FALSE(large.take(start + 1s - 1ns, most));
  CHECK(large.take(start + 1s, most));
  CHECK(large.full(Instant::max()));
  CHECK(large.wait(start, 1) > 0s);
}

TEST_CASE("rate limit: however often a rate limit is asked, it lets exactly its rate through") {
  for (const std::uint32_t rate : {1u, 3u, 7u, 999u, 1'000'003u}) {
    base::Random random(rate);
    const Instant start{5s};
    RateLimit limit(rate, 2, start);
    Instant now = start;
    std::uint64_t taken = 0;
    for (std::uint64_t i = 0; i < test::rounds(200'000); ++i) {
      now = now + Duration(static_cast<std::int64_t>(random.below(2'000'000'000 / rate) / 2));
      if (limit.take(now)) ++taken;
    }
    const auto passed = static_cast<std::uint64_t>((now - start).count());
    const std::uint64_t whole = passed / 1'000'000'000 * rate + passed % 1'000'000'000 * rate / 1'000'000'000;
    CHECK(taken <= whole + 2);
    CHECK(taken + 3 >= whole);
  }
}

TEST_CASE("rate limit: waiting as long as the rate limit says is enough, and a nanosecond less is not") {
  base::Random random(3);
  for (std::uint64_t i = 0; i < test::rounds(20'000); ++i) {
    Instant now{Duration(static_cast<std::int64_t>(random.below(1'000'000'000)))};
    const auto rate = static_cast<std::uint32_t>(1 + random.below(1u << random.below(32)));
    const auto burst = static_cast<std::uint32_t>(1 + random.below(1u << random.below(32)));
    RateLimit limit(rate, burst, now);
    REQUIRE(limit.take(now, static_cast<std::uint32_t>(random.below(burst))));
    const auto count = static_cast<std::uint32_t>(1 + random.below(burst));
    const Duration wait = limit.wait(now, count);
    if (wait > 0s) REQUIRE_FALSE(RateLimit(limit).take(now + wait - 1ns, count));
    REQUIRE(limit.take(now + wait, count));
  }
}
