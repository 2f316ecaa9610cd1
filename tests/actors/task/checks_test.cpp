#include "actors/task/logic/checks.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;
using Ending = Checks::Ending;

namespace {

base::NodeId node(std::uint8_t number) {
  base::NodeId out;
  out.bytes[0] = number;
  return out;
}

base::AddressGroup group(std::uint8_t site) {
  base::AddressGroup out;
  out.prefix[0] = site;
  return out;
}

base::NodeId one_of_many(std::uint32_t number) {
  base::NodeId out;
  out.bytes[1] = static_cast<std::uint8_t>(number), out.bytes[2] = static_cast<std::uint8_t>(number >> 8);
  out.bytes[3] = 1;
  return out;
}

struct ChecksFixture {
  base::Random chance{7};
  base::Instant now{1h};
  Checks checks{{.at_once = 2, .per_hour = 100}};
  void see(std::uint8_t number, std::optional<base::Duration> judged = {}, std::uint8_t site = 0) {
    checks.see(node(number), group(site), judged, now, chance);
  }
  /// How long until it is checked, to the second; nothing: not within a day.
  std::optional<base::Duration> wait() {
    for (base::Duration waited = 0s; waited < 24h; waited += 1s)
      if (checks.next(now + waited)) return now = now + waited, waited;
    return std::nullopt;
  }
};

}  // namespace

TEST_CASE("checks: a new node is checked at once, and again before a right answer is too old") {
  ChecksFixture it;
  CHECK_FALSE(it.checks.next(it.now));
  it.see(1);
  CHECK(it.checks.knows(node(1)));
  CHECK(it.wait().value() <= Checks::kSpread);
  CHECK_FALSE(it.checks.next(it.now + 1h));  // it is under way
  it.checks.ended(node(1), Ending::right, it.now, it.chance);
  const auto again = it.wait().value();
  CHECK(again >= Checks::kAgain);
  CHECK(again < registry::kVouchLife);
  it.checks.ended(node(1), Ending::wrong, it.now, it.chance);
  CHECK(it.wait().value() == Checks::kAgainWrong);
}

TEST_CASE("checks: one that this node has judged before a restart waits for the rest of its time") {
  ChecksFixture it;
  it.see(1, 19h);
  const auto wait = it.wait().value();
  CHECK(wait >= 1h);
  CHECK(wait <= 1h + Checks::kSpread);
  it.see(2, 25h);
  CHECK(it.wait().value() <= Checks::kSpread);
}

TEST_CASE("checks: a node without an answer is asked later and later, and as before once it has answered") {
  ChecksFixture it;
  it.see(1);
  it.wait();
  base::Duration last{};
  for (int i = 0; i < 14; ++i) {
    it.checks.ended(node(1), Ending::nothing, it.now, it.chance);
    const auto wait = it.wait().value();
    CHECK(wait <= Checks::kRetryMax);
    if (i == 0) CHECK(wait <= Checks::kRetryMin);
    last = wait;
  }
  CHECK(last >= Checks::kRetryMax / 2);
  it.checks.ended(node(1), Ending::right, it.now, it.chance);
  it.wait();
  it.checks.ended(node(1), Ending::nothing, it.now, it.chance);
  CHECK(it.wait().value() <= Checks::kRetryMin);
}

TEST_CASE("checks: as many are under way, and begun in an hour, as may be") {
  struct : ChecksFixture {
    Checks checks{{.at_once = 2, .per_hour = 10}};
  } it;
  for (std::uint8_t i = 0; i < 20; ++i) it.checks.see(node(i), group(i % 5), {}, it.now, it.chance);
  it.now = it.now + Checks::kSpread;
  std::size_t begun = 0;
  while (const auto first = it.checks.next(it.now)) {
    const auto second = it.checks.next(it.now);
    REQUIRE(second.has_value());
    CHECK(it.checks.under_way() == 2);
    CHECK_FALSE(it.checks.next(it.now));
    begun += 2;
    it.checks.ended(*first, Ending::right, it.now, it.chance);
    it.checks.ended(*second, Ending::right, it.now, it.chance);
    it.checks.ended(*second, Ending::right, it.now, it.chance);  // again: nothing
  }
  CHECK(begun == 10);
  CHECK_FALSE(it.checks.next(it.now + 1h - 1ns));
  CHECK(it.checks.next(it.now + 1h));
}

TEST_CASE("checks: one that is not seen any more is forgotten, unless its check is under way") {
  ChecksFixture it;
  it.see(1);
  it.see(2);
  it.now = it.now + Checks::kSpread;
  const auto running = it.checks.next(it.now);
  REQUIRE(running.has_value());
  for (std::uint32_t i = 0; i <= Checks::kWalksMissed; ++i) it.checks.walked();
  it.checks.forget(it.now + Checks::kForgetAfter - Checks::kSpread - 1ns);
  CHECK(it.checks.size() == 2);
  it.checks.forget(it.now + Checks::kForgetAfter);
  CHECK(it.checks.size() == 1);
  CHECK(it.checks.knows(*running));
}

TEST_CASE(
    "checks: of nodes that are due those come first that have answered, and of them those of sites checked least") {
  ChecksFixture it;
  it.see(1);
  for (int i = 0; i < 3; ++i) it.wait(), it.checks.ended(node(1), Ending::nothing, it.now, it.chance);
  it.now = it.now + Checks::kRetryMax;
  it.see(2);
  it.see(3);
  it.now = it.now + Checks::kSpread;
  it.see(4, {}, 7);
  it.now = it.now + Checks::kSpread;
  CHECK(it.checks.next(it.now) == node(4));
  CHECK_FALSE(it.checks.kept_waiting(it.now));
  CHECK(it.checks.next(it.now) != node(1));
  CHECK(it.checks.kept_waiting(it.now));
  it.checks.ended(node(4), Ending::right, it.now, it.chance);
  CHECK(it.checks.next(it.now) != node(1));
  it.checks.ended(node(2), Ending::right, it.now, it.chance);
  CHECK(it.checks.next(it.now) == node(1));
  it.checks.ended(node(1), Ending::right, it.now, it.chance);
  CHECK_FALSE(it.checks.kept_waiting(it.now));
}

TEST_CASE("checks: nodes that do not answer leave half of an hour's checks to others") {
  ChecksFixture it;
  for (std::uint32_t i = 0; i < 200; ++i) it.checks.see(one_of_many(i), {}, {}, it.now, it.chance);
  std::size_t begun = 0;
  for (base::Duration waited = 0s; waited < 3h; waited += 10s) {
    if (waited == 2h + 10min) it.see(1, {}, 1);
    while (const auto one = it.checks.next(it.now + waited)) {
      begun += waited >= 2h ? 1 : 0;
      const auto ending = *one == node(1) ? Ending::right : Ending::nothing;
      it.checks.ended(*one, ending, it.now + waited, it.chance);
      if (*one == node(1)) CHECK(waited <= 2h + 11min);
    }
    for (std::uint32_t i = 0; i < 200; ++i) it.checks.see(one_of_many(i), {}, {}, it.now + waited, it.chance);
  }
  CHECK(begun == 51);
}

// 60 of them used all, and who joined then was not verified for up to an hour.
TEST_CASE("checks: ids of one site leave half of an hour's checks to others") {
  struct : ChecksFixture {
    Checks checks{{.at_once = 2, .per_hour = 60}};
    std::size_t begin_all() {
      std::size_t out = 0;
      while (const auto one = checks.next(now)) ++out, checks.ended(*one, Ending::right, now, chance);
      return out;
    }
  } it;
  const auto join = [&](std::uint32_t from, std::uint8_t site) {
    for (std::uint32_t i = from; i < from + 200; ++i) it.checks.see(one_of_many(i), group(site), {}, it.now, it.chance);
    it.now = it.now + Checks::kSpread;
  };
  join(0, 1);
  CHECK(it.begin_all() == 30);  // at once: a cluster of one site does not notice
  CHECK_FALSE(it.checks.kept_waiting(it.now));
  join(1'000, 2);
  CHECK(it.begin_all() == 15);
  it.now = it.now + 10min;
  it.checks.see(node(1), group(9), {}, it.now, it.chance);
  it.now = it.now + Checks::kSpread;
  CHECK(it.checks.next(it.now) == node(1));
  it.checks.ended(node(1), Ending::right, it.now, it.chance);
  it.now = it.now + 50min;
  CHECK(it.begin_all() == 30);  // both sites have more to check than their shares
}

TEST_CASE("checks: ids of one site leave half of the places to others, and silent ones make room") {
  ChecksFixture it;
  for (std::uint32_t i = 0; i < 2 * Checks::kNodesMax; ++i)
    it.checks.see(one_of_many(i), group(1), {}, it.now, it.chance);
  CHECK(it.checks.size() == Checks::kNodesMax / 2);
  for (std::uint32_t i = 0; i < 2 * Checks::kNodesMax; ++i)
    it.checks.see(one_of_many(10'000 + i), group(static_cast<std::uint8_t>(2 + i % 2)), {}, it.now, it.chance);
  CHECK(it.checks.size() == Checks::kNodesMax);
  it.see(1, {}, 9);
  CHECK_FALSE(it.checks.knows(node(1)));  // they are all new
  it.now = it.now + Checks::kSpread;
  const auto first = it.checks.next(it.now), second = it.checks.next(it.now);
  REQUIRE(second.has_value());
  it.checks.ended(*first, Ending::nothing, it.now, it.chance);
  it.checks.ended(*second, Ending::right, it.now, it.chance);
  it.see(1, {}, 9);
  CHECK(it.checks.knows(node(1)));
  CHECK_FALSE(it.checks.knows(*first));
  CHECK(it.checks.knows(*second));
  CHECK(it.checks.size() == Checks::kNodesMax);
  it.see(2, {}, 9);
  CHECK_FALSE(it.checks.knows(node(2)));  // no other one is silent
}

TEST_CASE("checks: what is known of a node lasts as long as a walk over all that are watched") {
  ChecksFixture it;
  it.see(1);
  it.wait();
  it.checks.ended(node(1), Ending::nothing, it.now, it.chance);
  for (std::uint32_t i = 0; i < Checks::kWalksMissed; ++i) {
    it.now = it.now + 2 * Checks::kForgetAfter;
    it.checks.walked();
    it.checks.forget(it.now);
  }
  CHECK(it.checks.knows(node(1)));
  it.checks.walked();
  it.checks.forget(it.now);
  CHECK_FALSE(it.checks.knows(node(1)));
}

TEST_CASE("checks: a node that is heard from another site counts there, with what is known of it") {
  ChecksFixture it;
  for (std::uint32_t i = 0; i < Checks::kNodesMax; ++i) it.checks.see(one_of_many(i), group(1), {}, it.now, it.chance);
  REQUIRE(it.checks.size() == Checks::kNodesMax / 2);
  it.checks.see(one_of_many(0), group(2), {}, it.now, it.chance);
  CHECK(it.checks.size() == Checks::kNodesMax / 2);
  // Site 1 has no more than half, and one less than that now.
  it.checks.see(one_of_many(Checks::kNodesMax), group(1), {}, it.now, it.chance);
  CHECK_FALSE(it.checks.knows(one_of_many(Checks::kNodesMax)));
  for (std::uint32_t i = 1; i < Checks::kNodesMax / 2; ++i)
    it.checks.see(one_of_many(i), group(2), {}, it.now, it.chance);
  it.checks.see(one_of_many(Checks::kNodesMax), group(1), {}, it.now, it.chance);
  CHECK(it.checks.knows(one_of_many(Checks::kNodesMax)));
}
