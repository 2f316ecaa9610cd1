// Whose clock is wrong, by the dates that linked peers say.
#include "actors/peers/logic/dates.hpp"

#include "tests/actors/peers/fixture.hpp"

using namespace troupe;
using namespace troupe::peers;
using namespace std::chrono_literals;

TEST_CASE("dates: those that differ by ten minutes at most agree") {
  Dates dates;
  CHECK(dates.fault().empty());
  dates.said(id_of(1), 10min);
  dates.said(id_of(2), -10min);
  CHECK(dates.fault().empty());
  dates.said(id_of(1), 10min + 1s);
  CHECK_FALSE(dates.fault().empty());
  dates.forget(id_of(1));
  CHECK(dates.fault().empty());
}

TEST_CASE("dates: the clock that differs from most clocks is named as wrong") {
  Dates dates;
  dates.said(id_of(1), 24h);
  CHECK(dates.fault() == "the date of the linked node " + id_of(1).hex() +
                             " is 24 h ahead of this node's date: one of the two clocks is wrong; set it");
  dates.said(id_of(2), 0s);
  CHECK(dates.fault() ==
        "the date of node " + id_of(1).hex() + " is 24 h ahead of this node's date: set the clock of that machine");
  dates.said(id_of(2), 24h);
  CHECK(dates.fault() ==
        "this node's date is 24 h behind the date of 2 of 2 linked nodes: set the clock of this machine");
  dates.said(id_of(3), 0s);
  CHECK(dates.fault() ==
        "this node's date is 24 h behind the date of 2 of 3 linked nodes: set the clock of this machine");
  dates.said(id_of(4), 0s);
  CHECK(dates.fault() == "the date of node " + id_of(1).hex() +
                             " is 24 h ahead of this node's date, and 1 more nodes differ: set the clock of that "
                             "machine");
}
