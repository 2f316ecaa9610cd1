#include "actors/chain/logic/blocks_asked.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::chain;
using namespace std::chrono_literals;

namespace {

base::NodeId peer(int number) {
  base::NodeId out{};
  out.bytes[0] = static_cast<std::uint8_t>(number);
  return out;
}

}  // namespace

TEST_CASE("blocks asked: each further node is asked after a longer wait, and at once after an answer") {
  BlocksAsked asked;
  base::Instant now{100s};
  CHECK(asked.next() <= now);
  for (int i = 1; i <= 3; ++i) {
    asked.ask(peer(i), 1s, now);
    CHECK(asked.next() == now + i * 1s);
    now = asked.next();
  }
  CHECK(asked.waited_for() == 3);

  SUBCASE("an answer without blocks") {
    asked.answered(peer(2));
    CHECK(asked.next() <= now);
    CHECK(asked.waited_for() == 2);
    CHECK_FALSE(asked.asks(peer(2)));
    CHECK(asked.asks(peer(1)));
  }
  SUBCASE("after blocks the silent ones are waited for no more, and are still asked") {
    asked.answered(peer(2));
    asked.given();
    CHECK(asked.waited_for() == 0);
    CHECK(asked.asks(peer(1)));
    asked.ask(peer(2), 5s, now);
    CHECK(asked.next() == now + 5s);
    asked.answered(peer(1));
    CHECK_FALSE(asked.asks(peer(1)));
    CHECK(asked.next() == now + 5s);
  }
}
