#include "actors/chain/logic/fetching.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace troupe;
using namespace troupe::chain;
using namespace std::chrono_literals;
using Told = Fetching::Told;
using Trust = Fetching::Trust;

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

TEST_CASE("fetching: what one does not give is asked of the next that has told it") {
  Fetching fetching;
  const TxId id = transaction(1);
  CHECK(fetching.told(id, peer(1), Trust::stranger, 10, kBegin) == Told::asked);
  for (const int other : {1, 2, 2, 3, 4})
    CHECK(fetching.told(id, peer(other), Trust::stranger, 10, kBegin) == Told::under_way);
  CHECK(fetching.told(id, peer(5), Trust::stranger, 10, kBegin) == Told::crowded);  // it is to tell it again
  CHECK(fetching.asked(id, peer(1)));
  int before = 1;
  for (const int next : {2, 3, 4}) {
    CHECK(fetching.pass_on(id, kBegin) == peer(next));
    CHECK(fetching.asked(id, peer(next)));
    CHECK(fetching.of(peer(next)) == 1);
    CHECK(fetching.of(peer(1)) == 0);
    // Who has not given it takes no other one's place by telling it again.
    CHECK(fetching.told(id, peer(std::exchange(before, next)), Trust::stranger, 10, kBegin) == Told::under_way);
  }
  CHECK_FALSE(fetching.pass_on(id, kBegin).has_value());
  CHECK(fetching.size() == 0);
  CHECK(fetching.of(peer(4)) == 0);
  CHECK(fetching.told(id, peer(1), Trust::stranger, 10, kBegin) == Told::asked);
  fetching.done(id);
  fetching.done(id);
  CHECK(fetching.size() == 0);
}

TEST_CASE("fetching: one node has no more under way than it may, and others have theirs") {
  Fetching fetching;
  for (int i = 0; i < 5; ++i)
    CHECK(fetching.told(transaction(i), peer(1), Trust::stranger, 3, kBegin) == (i < 3 ? Told::asked : Told::full));
  CHECK(fetching.told(transaction(4), peer(2), Trust::stranger, 3, kBegin) == Told::asked);
  fetching.done(transaction(0));
  CHECK(fetching.told(transaction(3), peer(1), Trust::stranger, 3, kBegin) == Told::asked);
  CHECK(fetching.of(peer(1)) == 3);
}

TEST_CASE("fetching: whose answer never came keeps neither the transaction nor its place") {
  Fetching fetching;
  for (int i = 0; i < 3; ++i) CHECK(fetching.told(transaction(i), peer(1), Trust::stranger, 3, kBegin) == Told::asked);
  const base::Instant due = kBegin + Fetching::kDue;
  CHECK(fetching.told(transaction(0), peer(2), Trust::stranger, 3, due - 1ns) == Told::under_way);
  CHECK(fetching.told(transaction(0), peer(2), Trust::stranger, 3, due) == Told::asked);
  CHECK(fetching.of(peer(1)) == 2);
  CHECK(fetching.told(transaction(7), peer(1), Trust::stranger, 2, due) == Told::asked);
  CHECK(fetching.of(peer(1)) == 1);
  CHECK(fetching.size() == 2);
}

TEST_CASE("fetching: a stranger that told a transaction first gives way to a chosen node, and others come after that") {
  Fetching fetching;
  const TxId id = transaction(1);
  for (const int stranger : {1, 2, 3, 4})
    static_cast<void>(fetching.told(id, peer(stranger), Trust::stranger, 9, kBegin));
  CHECK(fetching.told(id, peer(5), Trust::stranger, 9, kBegin) == Told::crowded);
  CHECK(fetching.overdue_at() == base::Instant::max());
  CHECK(fetching.told(id, peer(10), Trust::chosen, 9, kBegin + 100ms) == Told::under_way);
  CHECK(fetching.told(id, peer(11), Trust::chosen, 9, kBegin + 100ms) == Told::under_way);
  const base::Instant due = kBegin + Fetching::kStrangerDue;
  CHECK(fetching.overdue_at() == due);
  CHECK(fetching.take_overdue(due - 1ns).empty());

  SUBCASE("unless it gives it") {
    fetching.done(id);
    CHECK(fetching.take_overdue(due).empty());
    CHECK(fetching.size() == 0);
  }
  SUBCASE("at the deadline, and once") {
    const auto passed = fetching.take_overdue(due);
    REQUIRE(passed.size() == 1);
    CHECK(passed[0].id == id);
    CHECK(passed[0].from == peer(1));
    CHECK(passed[0].to == peer(10));
    CHECK(fetching.asked(id, peer(10)));
    CHECK(fetching.of(peer(1)) == 0);
    CHECK(fetching.overdue_at() == base::Instant::max());
    for (const int next : {11, 2, 3, 4}) CHECK(fetching.pass_on(id, due) == peer(next));
  }
  SUBCASE("or before, if it does not have it") {
    CHECK(fetching.pass_on(id, kBegin + 200ms) == peer(10));
    CHECK(fetching.overdue_at() == base::Instant::max());
  }
}

TEST_CASE("fetching: a chosen node that was asked first is waited for") {
  Fetching fetching;
  CHECK(fetching.told(transaction(1), peer(10), Trust::chosen, 9, kBegin) == Told::asked);
  CHECK(fetching.told(transaction(1), peer(11), Trust::chosen, 9, kBegin) == Told::under_way);
  CHECK(fetching.overdue_at() == base::Instant::max());
}
