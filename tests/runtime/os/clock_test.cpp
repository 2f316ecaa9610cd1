// The real clock, chance and descriptors. Waits end when the claim holds; only a broken clock reaches the bound.
#include "runtime/os/clock.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/os/chance.hpp"
#include "runtime/os/descriptor.hpp"
#include "runtime/os/threads.hpp"
#include "tests/runtime/os/probe.hpp"

using namespace std::chrono_literals;
using troupe::base::Instant;
using troupe::os::Clock;
using troupe::test::Probe;

namespace {

bool woken(const Probe& probe, std::size_t times) {
  for (int i = 0; i < 30'000 && probe.wake_ups() < times; ++i) ::poll(nullptr, 0, 1);
  return probe.wake_ups() == times;
}

}  // namespace

TEST_CASE("clock: time moves forward, and the date is this century's") {
  const Clock clock;
  const Instant first = clock.now();
  CHECK(clock.now() >= first);
  CHECK(troupe::base::unix_seconds(clock.wall()) > 1'700'000'000);
}

TEST_CASE("clock: a sleeper is woken once, not before its moment") {
  caf::actor_system_config config;
  caf::actor_system system(config);
  Clock clock;
  Probe sleeper(system);
  const Instant due = clock.now() + 20ms;
  clock.wake(sleeper.actor(), due);
  CHECK(woken(sleeper, 1));
  CHECK(clock.now() >= due);
  CHECK(clock.sleepers() == 0);
}

TEST_CASE("clock: who is forgotten sleeps on, and who has ended is not kept alive") {
  caf::actor_system_config config;
  caf::actor_system system(config);
  Clock clock;
  Probe forgotten(system);
  Probe other(system);
  clock.wake(forgotten.actor(), clock.now() + 10ms);
  clock.forget(forgotten.actor());
  clock.forget(forgotten.actor());
  {
    const Probe ended(system);
    clock.wake(ended.actor(), clock.now() + 10ms);
  }
  clock.wake(other.actor(), clock.now() + 20ms);
  CHECK(woken(other, 1));
  CHECK(forgotten.wake_ups() == 0);
  CHECK(clock.sleepers() == 0);
}

TEST_CASE("chance: fills any size, differently each time") {
  troupe::os::Chance chance;
  std::vector<std::uint8_t> one(1'000);
  std::vector<std::uint8_t> two(1'000);
  chance.fill(one);
  chance.fill(two);
  CHECK(one != two);
  CHECK(std::count(one.begin(), one.end(), 0) < 100);
  chance.fill({});
  CHECK(chance.seed() != chance.seed());
}

TEST_CASE("descriptor: the limit is raised once and stays, and a moved descriptor has one owner") {
  const std::uint64_t limit = troupe::os::raise_descriptor_limit();
  CHECK(limit >= 256);
  CHECK(troupe::os::raise_descriptor_limit() == limit);
  troupe::os::Descriptor first(::dup(0));
  troupe::os::Descriptor second(std::move(first));
  CHECK_FALSE(first.valid());
  CHECK(second.valid());
  second = troupe::os::Descriptor();
  CHECK_FALSE(second.valid());
}

TEST_CASE("threads: a thread of its own is one here") { CHECK(troupe::os::Threads().real()); }
