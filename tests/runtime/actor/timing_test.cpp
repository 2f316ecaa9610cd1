// Deadlines and timers at their edges.
#include <doctest/doctest.h>

#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using bench::wire::Latest;
using runtime::DeadLetter;
using runtime::Envelope;
using runtime::Handle;
using runtime::Handlers;

TEST_CASE("actor: a keep_latest message that expired makes room for the next of its sender") {
  ActorFixture actors;
  std::vector<std::uint64_t> heard;
  const Handle listener = actors.start("listener", [&](Scripted&, Handlers& on) {
    on.tell<Latest>([&](Latest::Reader latest) { heard.push_back(latest.getValue()); });
  });
  actors.inside([&](Scripted& self) { self.send(listener, Envelope::build<Latest>({.due = self.now()}, number(1))); });
  CHECK(heard.empty());
  CHECK(actors.node.dead_letters(DeadLetter::expired) == 1);
  actors.inside([&](Scripted& self) { self.tell<Latest>(listener, number(2)); });
  actors.inside([&](Scripted& self) { self.tell<Latest>(listener, number(3)); });
  CHECK(heard == std::vector<std::uint64_t>{2, 3});
}

TEST_CASE("actor: a timer without delay runs once, after the messages at hand, and can still be recalled") {
  struct Tick {};
  ActorFixture actors;
  int ticks = 0;
  const auto run = [&](Scripted::Start set_timers) {
    actors.start(
        "timed", [&](Scripted&, Handlers& on) { on.timer<Tick>([&] { ++ticks; }); }, std::move(set_timers));
    actors.stage.run_for(1s);
  };
  SUBCASE("set once") {
    run([&](Scripted& self) {
      self.after<Tick>(0s);
      CHECK(ticks == 0);
    });
    CHECK(ticks == 1);
  }
  SUBCASE("set twice") {
    run([](Scripted& self) {
      self.after<Tick>(0s);
      self.after<Tick>(0s);
    });
    CHECK(ticks == 1);
  }
  SUBCASE("cancelled") {
    run([](Scripted& self) {
      self.after<Tick>(0s);
      self.cancel<Tick>();
    });
    CHECK(ticks == 0);
  }
  SUBCASE("replaced by a later one") {
    run([](Scripted& self) {
      self.after<Tick>(0s);
      self.after<Tick>(10s);
    });
    CHECK(ticks == 0);
    actors.stage.run_for(10s);
    CHECK(ticks == 1);
  }
  SUBCASE("in place of a later one") {
    run([](Scripted& self) {
      self.after<Tick>(10s);
      self.after<Tick>(0s);
    });
    CHECK(ticks == 1);
    actors.stage.run_for(10s);
    CHECK(ticks == 1);
  }
}
