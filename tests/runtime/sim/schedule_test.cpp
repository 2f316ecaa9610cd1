#include "runtime/sim/schedule.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

namespace troupe::sim {
namespace {

/// How often each of `ready` actors was picked.
std::map<ActorNumber, int> picked(Policy policy, std::uint64_t seed, std::size_t ready, int picks) {
  base::Random random(seed);
  Schedule schedule(policy, random);
  CHECK_FALSE(schedule.take().has_value());
  for (std::size_t i = 0; i < ready; ++i) schedule.add({ActorNumber{10 + i}, nullptr});
  std::map<ActorNumber, int> out;
  for (int i = 0; i < picks; ++i) {
    const auto pick = schedule.take();
    REQUIRE(pick.has_value());
    CHECK(pick->place < ready);
    ++out[pick->ready.actor];
    schedule.add(pick->ready);
  }
  return out;
}

TEST_CASE("schedule: every policy is found by its name, and nothing else is") {
  for (const Policy one : {Policy::fifo, Policy::random, Policy::pct, Policy::starve}) CHECK(policy(name(one)) == one);
  CHECK_FALSE(policy("lifo"));
  CHECK_FALSE(policy(""));
}

TEST_CASE("schedule: a lone actor runs under every policy") {
  for (const Policy one : {Policy::fifo, Policy::random, Policy::pct, Policy::starve})
    CHECK(picked(one, 1, 1, 20'000).at(10) == 20'000);
}

TEST_CASE("schedule: random picks everybody about equally often") {
  const auto found = picked(Policy::random, 1, 4, 40'000);
  REQUIRE(found.size() == 4);
  for (const auto& [actor, times] : found) CHECK(std::abs(times - 10'000) < 1'000);
}

TEST_CASE("schedule: pct runs the highest until it sinks, so that all have their turn in the end") {
  CHECK(picked(Policy::pct, 1, 4, 10).size() <= 2);
  CHECK(picked(Policy::pct, 1, 4, 100'000).size() == 4);
}

TEST_CASE("schedule: starve passes over one actor for a while, and not for ever over the same") {
  std::size_t starved = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    if (picked(Policy::starve, seed, 3, 100).size() == 2) ++starved;
  CHECK(starved >= 15);  // the others end a term within the hundred picks
  CHECK(picked(Policy::starve, 1, 3, 200'000).size() == 3);
}

}  // namespace
}  // namespace troupe::sim
