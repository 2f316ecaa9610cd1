#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Latest;
using bench::wire::Number;
using runtime::Handle;
using runtime::Handlers;

namespace {

/// Answers numbers, and breaks at each `Latest`.
void fragile(Scripted& self, Handlers& on) {
  successor(self, on);
  on.tell<Latest>([](Latest::Reader) { throw std::runtime_error("broken by hand"); });
}

}  // namespace

TEST_CASE("actor: a restart that fails is a failure like any other") {
  ActorFixture actors;
  std::optional<base::Error> fatal;
  actors.node.on_fatal = [&](const base::Error& error) { fatal = error; };
  int starts = 0, starts_that_fail = 0;
  Handle child;
  const auto start = [&](Scripted&) {
    ++starts;
    if (starts > 1 && starts <= 1 + starts_that_fail) throw std::runtime_error("the disk is away");
  };
  runtime::SpawnOptions three;
  three.children.restarts_max = 3;
  actors.node.start(
      "parent", script({}, [&](Scripted& parent) { child = parent.spawn("child", script(fragile, start)); }), three);
  actors.stage.settle();
  const auto break_child = [&] {
    actors.inside([&](Scripted& self) { self.tell<Latest>(child, number(1)); });
    actors.stage.run_for(60s);
  };
  SUBCASE("it is tried again, and the actor answers") {
    starts_that_fail = 1;
    break_child();
    CHECK(starts == 3);
    Outcome outcome;
    actors.inside([&](Scripted& self) { self.ask<Number, Number>(child, self.now() + 5s, number(1), outcome.note()); });
    CHECK(outcome.value == 2);
    CHECK_FALSE(fatal.has_value());
  }
  SUBCASE("it counts, so that the parent gives up at its limit") {
    starts_that_fail = 100;
    break_child();
    CHECK(starts == 1 + 3);
    REQUIRE(fatal.has_value());
    CHECK(fatal->code == Code::internal);
  }
}

TEST_CASE("actor: a child of an earlier incarnation that ends late is not taken for a new one") {
  ActorFixture actors;
  Handle parent, child;
  int children_started = 0;
  const auto start_child = [&](Scripted& self) {
    child = self.spawn("child", script(fragile, [&](Scripted&) { ++children_started; }));
  };
  actors.start("root", {}, [&](Scripted& root) { parent = root.spawn("parent", script(fragile, start_child)); });
  actors.stage.settle();
  actors.inside([&](Scripted& self) { self.tell<Latest>(parent, number(1)); });
  actors.stage.run_for(5s);
  REQUIRE(children_started == 2);
  // What the first child, the parent's number 1, would say at last.
  actors.inside([&](Scripted& self) {
    self.send(parent, runtime::Envelope::build<runtime::wire::ChildEnded>({}, [](auto ended) { ended.setChild(1); }));
  });
  actors.inside([&](Scripted& self) { self.tell<Latest>(child, number(1)); });
  actors.stage.run_for(60s);
  CHECK(children_started == 3);
}
