// The simulated clock: offset, date, and one wake-up an actor; and what it shares with the real one.
#include "runtime/sim/clock.hpp"

#include <doctest/doctest.h>

#include "runtime/os/clock.hpp"
#include "tests/runtime/os/probe.hpp"

using namespace std::chrono_literals;
using troupe::base::Duration;
using troupe::base::Instant;
using troupe::sim::Clock;
using troupe::sim::Stage;
using troupe::test::Probe;

namespace {

struct VirtualTime {
  Stage stage{1};
  Clock clock{stage, 0s};

  caf::actor_system& system() { return stage.system(); }
  bool woken(const Probe& probe, std::size_t times) {
    return stage.run_until([&] { return probe.wake_ups() == times; }, 1min);
  }
};

struct RealTime {
  caf::actor_system_config config;
  caf::actor_system real{config};
  troupe::os::Clock clock;

  caf::actor_system& system() { return real; }
  bool woken(const Probe& probe, std::size_t times) {
    for (int i = 0; i < 30'000 && probe.wake_ups() < times; ++i) probe.wait_for_news(1ms);
    return probe.wake_ups() == times;
  }
};

}  // namespace

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

TEST_CASE_TEMPLATE("clock: a later wish replaces an earlier one, in both directions", On, RealTime, VirtualTime) {
  On on;
  auto& clock = on.clock;
  Probe sleeper(on.system());
  Probe other(on.system());
  clock.wake(sleeper.actor(), clock.now() + 1h);
  clock.wake(sleeper.actor(), clock.now());
  CHECK(on.woken(sleeper, 1));
  clock.wake(sleeper.actor(), clock.now() + 10ms);
  clock.wake(sleeper.actor(), clock.now() + 1h);
  CHECK(clock.sleepers() == 1);
  clock.wake(other.actor(), clock.now() + 20ms);
  CHECK(on.woken(other, 1));
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

TEST_CASE("clock: a fast one shows more time, a slow one less, and the date goes with it") {
  Stage stage(1);
  const Clock fast(stage, 0s, 100), slow(stage, 0s, -100);
  stage.run_for(10'000s);
  CHECK(fast.now() == Instant{10'001s});
  CHECK(slow.now() == Instant{9'999s});
  CHECK(fast.wall() - slow.wall() == 2s);
}

TEST_CASE("clock: a sleeper wakes at the first moment at which its own clock shows the time") {
  Stage stage(1);
  for (const int drift : {0, 1, -1, 37, -37, 50'000, -50'000, 100'000, -100'000}) {
    CAPTURE(drift);
    Clock clock(stage, 7s, drift);
    Probe sleeper(stage.system());
    for (const Duration nap :
         {Duration(1ns), Duration(999ns), Duration(1s), Duration(12'345'678'901ns), Duration(24h)}) {
      const Instant due = clock.now() + nap;
      const auto before = sleeper.wake_ups();
      clock.wake(sleeper.actor(), due);
      REQUIRE(stage.run_until([&] { return sleeper.wake_ups() > before; }, 48h));
      CHECK(clock.now() >= due);
      CHECK(clock.now() - due < 2ns);
    }
  }
}

TEST_CASE("clock: a step moves the date and no deadline") {
  Stage stage(1);
  Clock clock(stage, 0s);
  Probe sleeper(stage.system());
  clock.wake(sleeper.actor(), Instant{10s});
  const auto date = clock.wall();
  clock.step(-1h);
  CHECK(clock.now() == Instant{});
  CHECK(date - clock.wall() == 1h);
  stage.run_for(10s);
  CHECK(sleeper.wake_ups() == 1);
}
