#include <doctest/doctest.h>

#include <deque>
#include <limits>

#include "runtime/actor/logic/credit.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/random.hpp"

using namespace troupe;
using namespace troupe::runtime::logic;

TEST_CASE("credit: a sender may send until items or bytes are spent") {
  CreditSender sender;
  CHECK_FALSE(sender.open());
  CHECK_THROWS_AS(sender.spend(1), base::InvariantBroken);
  sender.grant({2, 100});
  CHECK(sender.spend(99));
  CHECK_FALSE(sender.spend(0));  // no item left
  sender.grant({5, 0});
  CHECK(sender.open());

  SUBCASE("the last item may be larger than the rest, and the next grant pays for it") {
    CHECK_FALSE(sender.spend(1000));
    sender.grant({0, 999});
    CHECK_FALSE(sender.open());
    sender.grant({0, 1});
    CHECK(sender.open());
  }
  SUBCASE("no credit in bytes closes it as well") { CHECK_FALSE(sender.spend(1)); }
}

TEST_CASE("credit: a sender holds no more than the limits, whatever it is granted") {
  CreditSender sender;
  for (int i = 0; i < 3; ++i) sender.grant({~0u, ~0ull});
  std::uint32_t items = 0;
  while (sender.open()) {
    sender.spend(1u << 10);
    ++items;
  }
  CHECK(items == kCreditItemsMax);
  sender.grant({~0u, ~0ull});
  CHECK_FALSE(sender.spend(kCreditBytesMax));
}

TEST_CASE("credit: a receiver grants anew at half of its window, in items or in bytes") {
  CreditReceiver receiver({4, 100});
  CHECK(receiver.first() == Credit{4, 100});
  for (int i = 0; i < 4; ++i) CHECK(receiver.received(1));
  CHECK_FALSE(receiver.consumed(1).has_value());
  CHECK(receiver.consumed(1) == Credit{2, 2});
  CHECK(receiver.received(90));
  CHECK_FALSE(receiver.consumed(1).has_value());
  CHECK(receiver.consumed(1) == Credit{2, 2});
  CHECK(receiver.consumed(90) == Credit{1, 90});
  CHECK_THROWS_AS(receiver.consumed(0), base::InvariantBroken);
}

TEST_CASE("credit: a peer that sends without credit is caught, and stays caught") {
  SUBCASE("one item beyond") {
    CreditReceiver receiver({2, 100});
    CHECK(receiver.received(1));
    CHECK(receiver.received(1));
    CHECK_FALSE(receiver.violated());
    CHECK_FALSE(receiver.received(1));
    CHECK(receiver.violated());
    (void)receiver.consumed(1);
    CHECK_FALSE(receiver.received(1));
  }
  SUBCASE("one byte beyond what the last item may overdraw") {
    CreditReceiver receiver({9, 100});
    CHECK(receiver.received(99));
    CHECK(receiver.received(5000));
    CHECK_FALSE(receiver.received(0));
  }
  SUBCASE("an item larger than any frame") {
    CreditReceiver receiver;
    CHECK_FALSE(receiver.received(std::numeric_limits<std::uint64_t>::max()));
  }
}

TEST_CASE("credit: a window that lets nothing through or exceeds the limits is not made") {
  CHECK_THROWS_AS(CreditReceiver({0, 1}), base::InvariantBroken);
  CHECK_THROWS_AS(CreditReceiver({1, 0}), base::InvariantBroken);
  CHECK_THROWS_AS(CreditReceiver({kCreditItemsMax + 1, 1}), base::InvariantBroken);
  CHECK_THROWS_AS(CreditReceiver({1, kCreditBytesMax + 1}), base::InvariantBroken);
  CHECK(CreditReceiver({kCreditItemsMax, kCreditBytesMax}).first().items == kCreditItemsMax);
}

TEST_CASE("credit: two honest ends never stall and never break the window, whatever is sent") {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    base::Random random(seed);
    const Credit window{static_cast<std::uint32_t>(1 + random.below(64)), 1 + random.below(1u << random.below(20))};
    const std::uint64_t largest = 1 + random.below(3 * window.bytes);
    CreditReceiver receiver(window);
    CreditSender sender;
    sender.grant(receiver.first());
    std::deque<std::uint64_t> wire, queue;
    std::deque<Credit> back;
    for (int step = 0; step < 2'000; ++step) {
      switch (random.below(4)) {
        case 0:
          if (!sender.open()) break;
          wire.push_back(random.below(largest + 1));
          sender.spend(wire.back());
          break;
        case 1:
          if (wire.empty()) break;
          REQUIRE(receiver.received(wire.front()));
          queue.push_back(wire.front());
          wire.pop_front();
          break;
        case 2:
          if (queue.empty()) break;
          if (const auto grant = receiver.consumed(queue.front())) back.push_back(*grant);
          queue.pop_front();
          break;
        default:
          if (back.empty()) break;
          sender.grant(back.front());
          back.pop_front();
      }
      std::uint64_t bytes = 0;
      for (const auto* part : {&wire, &queue})
        for (const std::uint64_t item : *part) bytes += item;
      REQUIRE(wire.size() + queue.size() <= window.items);
      REQUIRE(bytes <= window.bytes + largest);
      REQUIRE((sender.open() || !wire.empty() || !queue.empty() || !back.empty()));
    }
  }
}
