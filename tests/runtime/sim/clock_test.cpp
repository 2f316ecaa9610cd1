// The simulated clock: offset, date, and one wake-up an actor.
#include "runtime/sim/clock.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/os/probe.hpp"

using namespace std::chrono_literals;
using troupe::base::Instant;
using troupe::sim::Clock;
using troupe::sim::Stage;
using troupe::test::Probe;

TEST_CASE("clock: a node is ahead of the stage by its offset, and the date begins in 2026") {
  Stage stage(1);
  const Clock clock(stage, 5h);
  stage.run_for(90s);
  CHECK(clock.now() == Instant{5h + 90s});
  CHECK(troupe::base::unix_seconds(clock.wall()) == 1'767'225'690);
}

TEST_CASE("clock: a sleeper is woken once, at its moment") {
  Stage stage(1);
  Clock clock(stage, 5h);
  Probe sleeper(stage.system());
  clock.wake(sleeper.actor(), clock.now() + 10s);
  stage.run_for(10s - 1ns);
  CHECK(sleeper.wake_ups() == 0);
  stage.run_for(1ns);
  CHECK(sleeper.wake_ups() == 1);
  CHECK(clock.sleepers() == 0);
  stage.run_for(1h);
  CHECK(sleeper.wake_ups() == 1);
}

TEST_CASE("clock: a later wish replaces an earlier one, in both directions") {
  Stage stage(1);
  Clock clock(stage, 0s);
  Probe sleeper(stage.system());
  clock.wake(sleeper.actor(), Instant{10s});
  clock.wake(sleeper.actor(), Instant{20s});
  CHECK(clock.sleepers() == 1);
  stage.run_for(15s);
  CHECK(sleeper.wake_ups() == 0);
  clock.wake(sleeper.actor(), Instant{16s});
  stage.run_for(1s);
  CHECK(sleeper.wake_ups() == 1);
  stage.run_for(1h);
  CHECK(sleeper.wake_ups() == 1);
}

TEST_CASE("clock: who is forgotten sleeps on, who is late is woken at once") {
  Stage stage(1);
  Clock clock(stage, 0s);
  Probe forgotten(stage.system());
  Probe late(stage.system());
  stage.run_for(1min);
  clock.wake(forgotten.actor(), Instant{61s});
  clock.forget(forgotten.actor());
  clock.forget(forgotten.actor());
  clock.wake(late.actor(), Instant{1s});
  stage.run_for(0s);
  CHECK(late.wake_ups() == 1);
  stage.run_for(1h);
  CHECK(forgotten.wake_ups() == 0);
  CHECK(clock.sleepers() == 0);
}
