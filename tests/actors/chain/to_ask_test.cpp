#include "actors/chain/logic/to_ask.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace troupe;
using namespace troupe::chain;

namespace {

TxId transaction(std::size_t number) {
  TxId out{};
  out.bytes[0] = static_cast<std::uint8_t>(number);
  out.bytes[1] = static_cast<std::uint8_t>(number >> 8);
  return out;
}
/// All that wait, in their order.
std::vector<TxId> drained(ToAsk& to_ask) {
  std::vector<TxId> out;
  for (; !to_ask.empty(); to_ask.pop()) out.push_back(to_ask.next().id);
  return out;
}

}  // namespace

TEST_CASE("to ask: what is told waits once and in order, behind what is asked for again") {
  ToAsk to_ask;
  CHECK(to_ask.empty());
  for (const std::size_t number : {1u, 2u, 1u}) CHECK(to_ask.told(transaction(number), 10));
  to_ask.first({transaction(3), 16});
  to_ask.first({transaction(2), 16});  // it waits already
  CHECK(to_ask.next().signatures == 16);
  CHECK(drained(to_ask) == std::vector{transaction(3), transaction(1), transaction(2)});
  CHECK(to_ask.told(transaction(1), 10));
  CHECK(to_ask.next().signatures == 0);
}

TEST_CASE("to ask: beyond its limit a neighbour's word is not remembered") {
  ToAsk to_ask;
  CHECK(to_ask.told(transaction(1), 2));
  CHECK(to_ask.told(transaction(2), 2));
  CHECK_FALSE(to_ask.told(transaction(3), 2));
  to_ask.pop();
  CHECK(to_ask.told(transaction(3), 2));
  CHECK(drained(to_ask) == std::vector{transaction(2), transaction(3)});
}

TEST_CASE("to ask: what is put aside waits again when it is looked at, and not because it is told again") {
  ToAsk to_ask;
  CHECK(to_ask.told(transaction(1), 10));
  CHECK(to_ask.put_aside(transaction(1)));
  to_ask.pop();
  CHECK(to_ask.told(transaction(1), 10));
  CHECK(to_ask.empty());
  CHECK(to_ask.told(transaction(2), 10));
  to_ask.look_again();
  CHECK_FALSE(to_ask.has_crowded());
  CHECK(drained(to_ask) == std::vector{transaction(2), transaction(1)});

  for (std::size_t number = 0; number < ToAsk::kCrowdedMax; ++number) CHECK(to_ask.put_aside(transaction(number)));
  CHECK_FALSE(to_ask.put_aside(transaction(ToAsk::kCrowdedMax)));
}
