// Alarms of timers that came late: where a machine stood still, and nowhere else.
#include <doctest/doctest.h>

#include "runtime/sim/machine.hpp"
#include "tests/runtime/actor/questions.hpp"

namespace troupe::test {
namespace {

using namespace std::chrono_literals;
using bench::wire::Number;
using runtime::Alarm;

struct World {
  World() { machine.boot(); }
  runtime::Alarms& alarms() { return machine.node().alarms(); }
  sim::Stage stage{1};
  std::shared_ptr<sim::Fabric> fabric = sim::Fabric::make(stage);
  sim::Machine machine{stage, fabric, 1};
};

struct Tick {};

/// An actor whose timer comes once, or every so often.
runtime::Factory timed(base::Duration delay, bool again, int& ticks) {
  return script(
      [=, &ticks](Scripted& self, runtime::Handlers& on) {
        on.timer<Tick>([=, &self, &ticks] {
          ++ticks;
          if (again) self.after<Tick>(delay);
        });
      },
      [=](Scripted& self) { self.after<Tick>(delay); });
}

TEST_CASE("late timer: a machine that stood still when a timer was due sounds it, with how late it came") {
  World world;
  int ticks = 0;
  world.machine.node().start("timed", timed(1s, false, ticks));
  world.stage.run_for(500ms);
  world.machine.pause();
  world.stage.run_for(500ms + runtime::kLateTimer);
  SUBCASE("too late") {
    world.machine.resume();
    world.stage.run_for(1s);
    REQUIRE(world.alarms().count(Alarm::late_timer) == 1);
    const auto all = world.alarms().since({});
    REQUIRE(all.size() == 1);
    CHECK(all[0].alarm == Alarm::late_timer);
    CHECK(all[0].subject == "/timed");
    CHECK(all[0].worst == runtime::kLateTimer);
    CHECK(all[0].last == world.machine.node().world().clock.now() - 1s);
  }
  SUBCASE("twice as late") {
    world.stage.run_for(runtime::kLateTimer);
    world.machine.resume();
    world.stage.run_for(1s);
    REQUIRE(world.alarms().count(Alarm::late_timer) == 1);
    CHECK(world.alarms().since({})[0].worst == 2 * runtime::kLateTimer);
  }
  CHECK(ticks == 1);
}

TEST_CASE("late timer: a pause below the threshold sounds nothing") {
  World world;
  int ticks = 0;
  world.machine.node().start("timed", timed(1s, false, ticks));
  world.stage.run_for(500ms);
  world.machine.pause();
  world.stage.run_for(500ms + runtime::kLateTimer - 1ms);
  world.machine.resume();
  world.stage.run_for(1s);
  CHECK(ticks == 1);
  CHECK(world.alarms().count(Alarm::late_timer) == 0);
}

TEST_CASE("late timer: an ordinary run sounds none, whatever is set, replaced and cancelled") {
  World world;
  int ticks = 0;
  for (int i = 0; i < 20; ++i)
    world.machine.node().start("timed" + std::to_string(i), timed(std::chrono::milliseconds(7 * i + 1), true, ticks));
  const auto silent = world.machine.node().start("silent", script({}));
  world.machine.node().start("asker", script(
                                          [&](Scripted& self, runtime::Handlers& on) {
                                            on.timer<Tick>([&] {
                                              self.ask<Number, Number>(silent, self.now() + 1s, number(1),
                                                                       [](const runtime::Answer<Number>&) {});
                                              self.after<Tick>(5s);
                                              self.after<Tick>(2s);
                                              self.cancel<Tick>();
                                              self.after<Tick>(100ms);
                                            });
                                          },
                                          [](Scripted& self) { self.after<Tick>(1s); }));
  world.stage.run_for(1min);
  CHECK(ticks > 10'000);
  CHECK(world.alarms().count(Alarm::late_timer) == 0);
}

TEST_CASE("late timer: a pause in which nothing was due any more sounds nothing") {
  World world;
  const auto quick = world.machine.node().start("quick", script(successor));
  Outcome outcome;
  world.machine.node().start("asker", script({}, [&](Scripted& self) {
                               self.ask<Number, Number>(quick, self.now() + 5s, number(1), outcome.note());
                             }));
  world.stage.run_for(4s);
  CHECK(outcome.value == 2);
  world.machine.pause();
  world.stage.run_for(10s);  // the deadline of the question that was answered passes
  world.machine.resume();
  world.stage.run_for(10s);
  CHECK(world.alarms().count(Alarm::late_timer) == 0);
}

}  // namespace
}  // namespace troupe::test
