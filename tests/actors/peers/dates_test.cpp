// Whose clock is wrong, by the dates that linked peers say.
#include "actors/peers/logic/dates.hpp"

#include "tests/actors/peers/fixture.hpp"

using namespace troupe;
using namespace troupe::peers;
using namespace std::chrono_literals;

TEST_CASE("dates: those that differ by 30 seconds at most agree") {
  Dates dates;
  CHECK(dates.fault(id_of(9)).empty());
  dates.said(id_of(1), 30s);
  dates.said(id_of(2), -30s);
  CHECK(dates.fault(id_of(9)).empty());
  dates.said(id_of(1), 34s);
  CHECK(dates.fault(id_of(9)).empty());
  dates.said(id_of(1), 35s);
  CHECK_FALSE(dates.fault(id_of(9)).empty());
  dates.forget(id_of(1));
  CHECK(dates.fault(id_of(9)).empty());
}

TEST_CASE("dates: the clock that differs from most clocks is named as wrong") {
  Dates dates;
  dates.said(id_of(1), 24h);
  CHECK(dates.fault(id_of(9)) == "the date of the linked node " + id_of(1).hex() +
                                     " is 24 h ahead of the date of this node, " + id_of(9).hex() +
                                     ": one of the two clocks is wrong; set it");
  dates.said(id_of(2), 0s);
  CHECK(dates.fault(id_of(9)) == "the date of node " + id_of(1).hex() + " is 24 h ahead of the date of this node, " +
                                     id_of(9).hex() + ": set the clock of that machine");
  dates.said(id_of(2), 24h);
  CHECK(dates.fault(id_of(9)) == "the date of this node, " + id_of(9).hex() +
                                     ", is 24 h behind the dates of 2 of 2 linked nodes, such as " + id_of(1).hex() +
                                     ": set the clock of this machine");
  dates.said(id_of(3), 0s);
  CHECK(dates.fault(id_of(9)) == "the date of this node, " + id_of(9).hex() +
                                     ", is 24 h behind the dates of 2 of 3 linked nodes, such as " + id_of(1).hex() +
                                     ": set the clock of this machine");
  dates.said(id_of(4), 0s);
  CHECK(dates.fault(id_of(9)) == "the date of node " + id_of(1).hex() + " is 24 h ahead of the date of this node, " +
                                     id_of(9).hex() +
                                     ", and 1 more nodes differ: set the clock of that "
                                     "machine");
}
