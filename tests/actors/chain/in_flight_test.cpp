#include "actors/chain/logic/in_flight.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace troupe;
using namespace troupe::chain;
using namespace std::chrono_literals;
using Told = InFlight::Told;
using Trust = InFlight::Trust;

namespace {

const base::Instant kBegin{100s};

TxId transaction(int number) {
  TxId out{};
  out.bytes[0] = static_cast<std::uint8_t>(number);
  return out;
}
base::NodeId peer(int number) {
  base::NodeId out{};
  out.bytes[0] = static_cast<std::uint8_t>(number);
  return out;
}

}  // namespace

TEST_CASE("in flight: what one does not give is asked of the next that has told it") {
  InFlight in_flight;
  const TxId id = transaction(1);
  CHECK(in_flight.told(id, peer(1), Trust::stranger, 10, kBegin) == Told::asked);
  for (const int other : {1, 2, 2, 3, 4})
    CHECK(in_flight.told(id, peer(other), Trust::stranger, 10, kBegin) == Told::under_way);
  CHECK(in_flight.told(id, peer(5), Trust::stranger, 10, kBegin) == Told::crowded);  // it is to tell it again
  CHECK(in_flight.asked(id, peer(1)));
  int before = 1;
  for (const int next : {2, 3, 4}) {
    CHECK(in_flight.pass_on(id, kBegin) == peer(next));
    CHECK(in_flight.asked(id, peer(next)));
    CHECK(in_flight.of(peer(next)) == 1);
    CHECK(in_flight.of(peer(1)) == 0);
    // Who has not given it takes no other one's place by telling it again.
    CHECK(in_flight.told(id, peer(std::exchange(before, next)), Trust::stranger, 10, kBegin) == Told::under_way);
  }
  CHECK_FALSE(in_flight.pass_on(id, kBegin).has_value());
  CHECK(in_flight.size() == 0);
  CHECK(in_flight.of(peer(4)) == 0);
  CHECK(in_flight.told(id, peer(1), Trust::stranger, 10, kBegin) == Told::asked);
  in_flight.done(id);
  in_flight.done(id);
  CHECK(in_flight.size() == 0);
}

TEST_CASE("in flight: one node has no more under way than it may, and others have theirs") {
  InFlight in_flight;
  for (int i = 0; i < 5; ++i)
    CHECK(in_flight.told(transaction(i), peer(1), Trust::stranger, 3, kBegin) == (i < 3 ? Told::asked : Told::full));
  CHECK(in_flight.told(transaction(4), peer(2), Trust::stranger, 3, kBegin) == Told::asked);
  in_flight.done(transaction(0));
  CHECK(in_flight.told(transaction(3), peer(1), Trust::stranger, 3, kBegin) == Told::asked);
  CHECK(in_flight.of(peer(1)) == 3);
}

TEST_CASE("in flight: whose answer never came keeps neither the transaction nor its place") {
  InFlight in_flight;
  for (int i = 0; i < 3; ++i) CHECK(in_flight.told(transaction(i), peer(1), Trust::stranger, 3, kBegin) == Told::asked);
  const base::Instant due = kBegin + InFlight::kDue;
  CHECK(in_flight.told(transaction(0), peer(2), Trust::stranger, 3, due - 1ns) == Told::under_way);
  CHECK(in_flight.told(transaction(0), peer(2), Trust::stranger, 3, due) == Told::asked);
  CHECK(in_flight.of(peer(1)) == 2);
  CHECK(in_flight.told(transaction(7), peer(1), Trust::stranger, 2, due) == Told::asked);
  CHECK(in_flight.of(peer(1)) == 1);
  CHECK(in_flight.size() == 2);
}

TEST_CASE("in flight: a stranger that told a transaction first yields to a chosen node") {
  InFlight in_flight;
  const TxId id = transaction(1);
  for (const int stranger : {1, 2, 3, 4})
    static_cast<void>(in_flight.told(id, peer(stranger), Trust::stranger, 9, kBegin));
  CHECK(in_flight.told(id, peer(5), Trust::stranger, 9, kBegin) == Told::crowded);
  CHECK(in_flight.overdue_at() == base::Instant::max());
  CHECK(in_flight.told(id, peer(10), Trust::chosen, 9, kBegin + 100ms) == Told::under_way);
  CHECK(in_flight.told(id, peer(11), Trust::chosen, 9, kBegin + 100ms) == Told::under_way);
  const base::Instant due = kBegin + InFlight::kStrangerDue;
  CHECK(in_flight.overdue_at() == due);
  CHECK(in_flight.take_overdue(due - 1ns).empty());

  SUBCASE("unless it gives it") {
    in_flight.done(id);
    CHECK(in_flight.take_overdue(due).empty());
    CHECK(in_flight.size() == 0);
  }
  SUBCASE("at the deadline, and once") {
    const auto passed = in_flight.take_overdue(due);
    REQUIRE(passed.size() == 1);
    CHECK(passed[0].id == id);
    CHECK(passed[0].from == peer(1));
    CHECK(passed[0].to == peer(10));
    CHECK(in_flight.asked(id, peer(10)));
    CHECK(in_flight.of(peer(1)) == 0);
    CHECK(in_flight.overdue_at() == base::Instant::max());
    for (const int next : {11, 2, 3, 4}) CHECK(in_flight.pass_on(id, due) == peer(next));
  }
  SUBCASE("or before, if it does not have it") {
    CHECK(in_flight.pass_on(id, kBegin + 200ms) == peer(10));
    CHECK(in_flight.overdue_at() == base::Instant::max());
  }
}

TEST_CASE("in flight: a chosen node that was asked first is waited for") {
  InFlight in_flight;
  CHECK(in_flight.told(transaction(1), peer(10), Trust::chosen, 9, kBegin) == Told::asked);
  CHECK(in_flight.told(transaction(1), peer(11), Trust::chosen, 9, kBegin) == Told::under_way);
  CHECK(in_flight.overdue_at() == base::Instant::max());
}
