// Whether the date is believed by what drops things for their age.
#include "actors/dht/logic/date_watch.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;

namespace {

constexpr base::Instant kNow{100h};
constexpr base::WallTime kDate{1'000'000h};

/// A look at a date that has moved by `ahead` against the steady clock.
Expired look(DateWatch& watch, base::Duration later, base::Duration ahead = 0s) {
  return watch.look(kNow + later, kDate + later + ahead);
}

}  // namespace

TEST_CASE("date watch: a date that keeps step is believed, however long nobody looks") {
  DateWatch watch(Expired::dropped);
  CHECK(look(watch, 0s) == Expired::dropped);
  CHECK(look(watch, 1'000h) == Expired::dropped);
  for (int i = 1; i <= 10; ++i) CHECK(look(watch, 1'000h + i * 1h, i * 59min) == Expired::dropped);  // slowly set right
  CHECK_FALSE(watch.believed_at());
}

TEST_CASE("date watch: a date that jumps is doubted until it is back, or has stood for an hour") {
  DateWatch watch(Expired::dropped);
  constexpr base::Duration jump = 48h;
  look(watch, 0s);
  CHECK(look(watch, 10min, jump) == Expired::kept);
  CHECK(watch.believed_at() == kNow + 70min);
  CHECK(look(watch, 69min, jump) == Expired::kept);

  SUBCASE("back") {
    CHECK(look(watch, 69min) == Expired::dropped);
    CHECK_FALSE(watch.believed_at());
    CHECK(look(watch, 70min, jump) == Expired::kept);  // and there again: from the beginning
  }
  SUBCASE("it stays") {
    CHECK(look(watch, 70min, jump) == Expired::dropped);
    CHECK_FALSE(watch.believed_at());
    CHECK(look(watch, 71min) == Expired::kept);  // now the old one is a jump
  }
  SUBCASE("it jumps on") {
    CHECK(look(watch, 69min, jump + 3h) == Expired::kept);
    CHECK(look(watch, 128min, jump + 3h) == Expired::kept);
    CHECK(look(watch, 129min, jump + 3h) == Expired::dropped);
  }
}

TEST_CASE("date watch: one that jumps back is doubted, too") {
  DateWatch watch(Expired::dropped);
  look(watch, 0s);
  CHECK(look(watch, 10min, -61min) == Expired::kept);
  CHECK(look(watch, 20min, -60min) == Expired::dropped);
  CHECK(look(watch, 30min, -121min) == Expired::kept);
}

TEST_CASE("date watch: a run that reads back what was left begins in doubt") {
  DateWatch watch(Expired::kept);
  CHECK(look(watch, 0s) == Expired::kept);
  CHECK(watch.believed_at() == kNow + 1h);
  SUBCASE("its first date stands") {
    CHECK(look(watch, 1h - 1ns) == Expired::kept);
    CHECK(look(watch, 1h) == Expired::dropped);
  }
  SUBCASE("it is set right soon") {
    CHECK(look(watch, 30min, -100h) == Expired::kept);
    CHECK(look(watch, 1h, -100h) == Expired::kept);
    CHECK(look(watch, 90min, -100h) == Expired::dropped);
  }
}
