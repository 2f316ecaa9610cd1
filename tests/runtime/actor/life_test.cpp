// Timers, and what becomes of an actor, its address and its children when it breaks or ends.
#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Latest;
using bench::wire::Number;
using runtime::Answer;
using runtime::Handle;
using runtime::Handlers;
using runtime::Reply;

TEST_CASE("actor: a timer runs once, is replaced by the same tag, and can be cancelled") {
  struct Tick {};
  struct Tock {};
  ActorFixture actors;
  int ticks = 0, tocks = 0;
  Scripted* self = nullptr;
  actors.start(
      "timed",
      [&](Scripted&, Handlers& on) {
        on.timer<Tick>([&] { ++ticks; });
        on.timer<Tock>([&] { ++tocks; });
      },
      [&](Scripted& begun) {
        self = &begun;
        begun.after<Tick>(10s);
        begun.after<Tick>(20s);
        begun.after<Tock>(5s);
        begun.cancel<Tock>();
      });
  actors.stage.run_for(20s - 1ns);
  CHECK(ticks == 0);
  actors.stage.run_for(1h);
  CHECK(ticks == 1);
  CHECK(tocks == 0);
}

TEST_CASE("actor: a throw answers `internal`, and address and queue survive the restart") {
  ActorFixture actors;
  int built = 0;
  Handle child;
  actors.start("parent", {}, [&](Scripted& parent) {
    child = parent.spawn("child", script(
                                      [&](Scripted&, Handlers& on) {
                                        on.ask<Number, Number>([&](Number::Reader question, Reply<Number> reply) {
                                          if (question.getValue() == 13) throw std::runtime_error("unlucky");
                                          reply.send(number(question.getValue() + 1));
                                        });
                                      },
                                      [&](Scripted&) { ++built; }));
  });
  actors.stage.settle();
  Outcome first, queued, late;
  actors.inside([&](Scripted& self) {
    self.ask<Number, Number>(child, base::Instant::max(), number(13), first.note());
    self.ask<Number, Number>(child, base::Instant::max(), number(1), queued.note());
  });
  CHECK(first.code == Code::internal);
  CHECK(queued.calls == 0);
  actors.inside([&](Scripted& self) { self.ask<Number, Number>(child, base::Instant::max(), number(1), late.note()); });
  actors.stage.settle();
  CHECK(late.code == Code::unavailable);
  actors.stage.run_for(1s);
  CHECK(queued.value == 2);
  CHECK(built == 2);
  CHECK(actors.record("/child")->restarts == 1);
  CHECK(actors.record("/child")->last_error == Code::internal);
  CHECK(actors.node.find("/child") == child);
}

TEST_CASE("actor: replies, timers and asks of an earlier incarnation are void") {
  struct Tick {};
  ActorFixture actors;
  int ticks = 0, answers = 0;
  std::vector<Reply<Number>> silent_kept;
  const Handle silent = actors.start("silent", keeper(silent_kept));
  Handle child;
  actors.start("parent", {}, [&](Scripted& parent) {
    child = parent.spawn("child", [&] {
      struct Holder {
        std::vector<Reply<Number>> kept;
        bool first = true;
      };
      auto holder = std::make_shared<Holder>();
      return std::make_unique<Scripted>([&, holder](Scripted& self, Handlers& on) {
        on.timer<Tick>([&] { ++ticks; });
        on.ask<Number, Number>([holder, &self, &silent, &answers](Number::Reader question, Reply<Number> reply) {
          if (question.getValue() == 13) throw std::runtime_error("unlucky");
          holder->kept.push_back(std::move(reply));
          self.after<Tick>(10s);
          self.ask<Number, Number>(silent, base::Instant::max(), number(0), [&answers](Answer<Number>) { ++answers; });
        });
      });
    });
  });
  actors.stage.settle();
  Outcome held, broke;
  actors.inside([&](Scripted& self) { self.ask<Number, Number>(child, base::Instant::max(), number(1), held.note()); });
  actors.stage.settle();
  actors.inside(
      [&](Scripted& self) { self.ask<Number, Number>(child, base::Instant::max(), number(13), broke.note()); });
  actors.stage.run_for(60s);
  CHECK(held.code == Code::internal);
  CHECK(broke.code == Code::internal);
  CHECK(ticks == 0);
  actors.inside([&](Scripted& self) { self.tell<Latest>(silent, number(0)); });
  CHECK(answers == 0);
}

TEST_CASE("actor: a storm of restarts escalates to the parent, and at the root it is fatal") {
  ActorFixture actors;
  std::optional<base::Error> fatal;
  actors.node.on_fatal = [&](const base::Error& error) { fatal = error; };
  Handle child;
  int parents = 0;
  runtime::SpawnOptions once;
  once.children.restarts_max = 1;
  const auto breaks = script(
      [](Scripted&, Handlers& on) { on.tell<Number>([](Number::Reader) { throw std::runtime_error("always"); }); });
  const auto parent = script({}, [&](Scripted& self) {
    ++parents;
    child = self.spawn("child", breaks);
  });
  actors.node.start("root", script({}, [&](Scripted& root) { root.spawn("parent", parent, once); }), once);
  actors.stage.settle();
  const auto provoke = [&] {
    actors.inside([&](Scripted& self) { self.tell<Number>(child, number(1)); });
    actors.stage.run_for(1s);
  };
  provoke();
  CHECK(parents == 1);
  provoke();
  CHECK(parents == 2);
  CHECK_FALSE(fatal.has_value());
  provoke();
  provoke();
  REQUIRE(fatal.has_value());
  CHECK(fatal->code == Code::internal);
  CHECK(actors.node.find("/root") == nullptr);
}

TEST_CASE("actor: siblings restart with it under one_for_all, and only those after it under rest_for_one") {
  for (const auto strategy : {runtime::logic::Strategy::all_for_one, runtime::logic::Strategy::rest_for_one}) {
    ActorFixture actors;
    std::array<int, 3> built{};
    std::array<Handle, 3> children;
    runtime::SpawnOptions options;
    options.children.strategy = strategy;
    actors.node.start("parent",
                      script({},
                             [&](Scripted& parent) {
                               for (std::size_t i = 0; i < 3; ++i)
                                 children[i] = parent.spawn(
                                     "c" + std::to_string(i),
                                     script(
                                         [](Scripted&, Handlers& on) {
                                           on.tell<Number>([](Number::Reader) { throw std::runtime_error("once"); });
                                         },
                                         [&built, i](Scripted&) { ++built[i]; }));
                             }),
                      options);
    actors.stage.settle();
    actors.inside([&](Scripted& self) { self.tell<Number>(children[1], number(1)); });
    actors.stage.run_for(5s);
    CHECK(built[0] == (strategy == runtime::logic::Strategy::all_for_one ? 2 : 1));
    CHECK(built[1] == 2);
    CHECK(built[2] == 2);
  }
}

TEST_CASE("actor: one that ends takes its children along and leaves the registry") {
  ActorFixture actors;
  const Handle parent = actors.start("parent", {}, [&](Scripted& self) {
    self.spawn("child", script(successor, [](Scripted& child) { child.spawn("grandchild", script(successor)); }));
  });
  actors.inside([](Scripted&) {});
  CHECK(actors.node.find("/child/grandchild") != nullptr);
  CHECK(actors.node.registry().size() == 4);
  bool told = false;
  actors.inside([&](Scripted& self) {
    self.on_down = [&](const Handle& whom, const std::optional<base::Error>& why) {
      told = whom == parent && !why.has_value();
    };
    self.watch(parent);
    self.send(parent, runtime::Envelope::build<runtime::wire::Stop>({}, [](auto) {}));
  });
  CHECK(told);
  CHECK(actors.node.find("/child/grandchild") == nullptr);
  CHECK(actors.node.registry().size() == 1);
}
