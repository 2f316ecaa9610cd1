// Whether the date is believed by what drops things for their age.
#include "actors/dht/logic/clock_guard.hpp"

#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;
using troupe::test::kStart;

namespace {

constexpr base::WallTime kDate{1'000'000h};

/// A look at a date that has moved by `ahead` against the steady clock.
Expired look(ClockGuard& guard, base::Duration later, base::Duration ahead = 0s) {
  return guard.look(kStart + later, kDate + later + ahead);
}

}  // namespace

TEST_CASE("clock guard: a date that keeps step is believed, however long nobody looks") {
  ClockGuard guard(Expired::dropped);
  CHECK(look(guard, 0s) == Expired::dropped);
  CHECK(look(guard, 1'000h) == Expired::dropped);
  for (int i = 1; i <= 10; ++i) CHECK(look(guard, 1'000h + i * 1h, i * 59min) == Expired::dropped);  // slowly set right
  CHECK_FALSE(guard.trusted_at());
}

TEST_CASE("clock guard: a date that jumps is doubted until it is back, or has stood for an hour") {
  ClockGuard guard(Expired::dropped);
  constexpr base::Duration jump = 48h;
  look(guard, 0s);
  CHECK(look(guard, 10min, jump) == Expired::kept);
  CHECK(guard.trusted_at() == kStart + 70min);
  CHECK(look(guard, 69min, jump) == Expired::kept);

  SUBCASE("back") {
    CHECK(look(guard, 69min) == Expired::dropped);
    CHECK_FALSE(guard.trusted_at());
    CHECK(look(guard, 70min, jump) == Expired::kept);  // and there again: from the beginning
  }
  SUBCASE("it stays") {
    CHECK(look(guard, 70min, jump) == Expired::dropped);
    CHECK_FALSE(guard.trusted_at());
    CHECK(look(guard, 71min) == Expired::kept);  // now the old one is a jump
  }
  SUBCASE("it jumps on") {
    CHECK(look(guard, 69min, jump + 3h) == Expired::kept);
    CHECK(look(guard, 128min, jump + 3h) == Expired::kept);
    CHECK(look(guard, 129min, jump + 3h) == Expired::dropped);
  }
}

TEST_CASE("clock guard: one that jumps back is doubted, too") {
  ClockGuard guard(Expired::dropped);
  look(guard, 0s);
  CHECK(look(guard, 10min, -61min) == Expired::kept);
  CHECK(look(guard, 20min, -60min) == Expired::dropped);
  CHECK(look(guard, 30min, -121min) == Expired::kept);
}

TEST_CASE("clock guard: a run that reads back what was left begins in doubt") {
  ClockGuard guard(Expired::kept);
  CHECK(look(guard, 0s) == Expired::kept);
  CHECK(guard.trusted_at() == kStart + 1h);
  SUBCASE("its first date stands") {
    CHECK(look(guard, 1h - 1ns) == Expired::kept);
    CHECK(look(guard, 1h) == Expired::dropped);
  }
  SUBCASE("it is set right soon") {
    CHECK(look(guard, 30min, -100h) == Expired::kept);
    CHECK(look(guard, 1h, -100h) == Expired::kept);
    CHECK(look(guard, 90min, -100h) == Expired::dropped);
  }
}
