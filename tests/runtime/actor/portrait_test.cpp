// What can be seen of an actor between two of its messages.
#include "tests/runtime/actor/portrait.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using base::Instant;
using bench::wire::Number;
using bench::wire::Order;
using bench::wire::Parcel;
using runtime::Answer;
using runtime::Envelope;
using runtime::Handle;
using runtime::Handlers;
using runtime::Reply;
using runtime::wire::LookAway;
using runtime::wire::Portray;

TEST_CASE("portrait: an idle actor has nothing to show, and nothing is kept of it") {
  ActorFixture actors;
  const Handle idle = actors.start("idle", successor);
  Seen seen(actors, idle);
  const auto portrait = *seen;
  CHECK(portrait.getParentNumber() == 0);
  CHECK(portrait.getChildren().size() == 0);
  CHECK(portrait.getAsksInAll() == 0);
  CHECK(portrait.getTimers().size() == 0);
  CHECK(portrait.getStreams() == 0);
  CHECK(portrait.getStreamsStarved() == 0);
  CHECK(portrait.getIncarnation() == 1);
  CHECK(portrait.getKeptForMs() == 0);
  CHECK(portrait.getStateKind() == 0);
  CHECK(actors.node.recent_pool().bytes() == 0);
}

TEST_CASE("portrait: parent and children are named by paths that lead to them") {
  ActorFixture actors;
  Handle child, grandchild;
  const Handle root = actors.start("root", {}, [&](Scripted& self) {
    child = self.spawn("child", script(successor, [&](Scripted& one) {
                         grandchild = one.spawn("first", script(successor));
                         for (int i = 0; i < 150; ++i) one.spawn("c" + std::to_string(i), script(successor));
                       }));
    self.spawn("other", script(successor));
  });
  actors.stage.settle();
  Seen top(actors, root), middle(actors, child), bottom(actors, grandchild);
  CHECK((*top).getChildrenInAll() == 2);
  REQUIRE((*top).getChildren().size() == 2);
  CHECK(text((*top).getChildren()[0]) == "/child");
  CHECK(text((*top).getChildren()[1]) == "/other");
  CHECK((*middle).getChildrenInAll() == 151);
  REQUIRE((*middle).getChildren().size() == 100);
  for (const auto path : (*middle).getChildren()) CHECK(actors.node.find(text(path)) != nullptr);
  CHECK((*bottom).getParentNumber() != 0);
  CHECK((*top).getParentNumber() == 0);
}

TEST_CASE("portrait: questions that wait are told with their kind, whom they were asked, age and deadline") {
  ActorFixture actors;
  std::vector<Reply<Number>> kept;
  Scripted* asker = nullptr;
  const Handle silent = actors.start("silent", [&](Scripted& self, Handlers& on) {
    keeper(kept)(self, on);
    on.stream<Order, Parcel>([&self](Order::Reader, runtime::Sink<Parcel> sink) {
      static std::vector<runtime::Sink<Parcel>> open;
      open.clear();
      open.push_back(std::move(sink));
      static_cast<void>(self);
    });
  });
  runtime::Subscription subscription;
  struct Later {};
  const Handle whom =
      actors.start("asker",
                   [&](Scripted& self, Handlers& on) {
                     asker = &self;
                     on.tell<Number>([&](Number::Reader told) {
                       self.ask<Number, Number>(silent, told.getValue() == 0 ? Instant::max() : self.now() + 60s,
                                                number(1), [](const Answer<Number>&) {});
                     });
                     on.tell<Order>([&](Order::Reader) {
                       subscription = self.subscribe<Order, Parcel>(
                           silent, 30s, [](auto) {}, [](Parcel::Reader) {}, [](base::Result<void, base::Error>) {});
                     });
                   },
                   {});
  actors.stage.run_for(5s);
  actors.inside([&](Scripted& self) { self.tell<Number>(whom, number(7)); });
  actors.stage.run_for(2s);
  actors.inside([&](Scripted& self) { self.tell<Number>(whom, number(0)); });
  actors.stage.run_for(1s);
  actors.inside([&](Scripted& self) { self.tell<Order>(whom, [](auto) {}); });
  actors.stage.run_for(3s);
  Seen seen(actors, whom);
  const auto asks = (*seen).getAsks();
  CHECK((*seen).getAsksInAll() == 3);
  REQUIRE(asks.size() == 3);
  CHECK(asks[0].getSinceMs() == 6'000);
  CHECK(asks[0].getDueMs() == 54'000);
  CHECK(asks[1].getSinceMs() == 4'000);
  CHECK(asks[1].getDueMs() == -1);
  for (const unsigned i : {0u, 1u}) {
    CHECK(text(asks[i].getKind()) == name_of<Number>());
    CHECK_FALSE(asks[i].getStream());
  }
  CHECK(asks[2].getStream());
  CHECK(text(asks[2].getKind()) == name_of<Order>());
  CHECK(asks[2].getSinceMs() == 3'000);
  for (const auto ask : asks) CHECK(ask.getTo() == silent.id());
  actors.inside([&](Scripted& self) {
    self.tell<bench::wire::Latest>(silent, number(1));
    subscription.cancel();
  });
  Seen after(actors, whom);
  CHECK((*after).getAsksInAll() == 0);
  CHECK((*after).getAsks().size() == 0);
}

TEST_CASE("portrait: of many questions the hundred oldest are told, in their order") {
  ActorFixture actors;
  std::vector<Reply<Number>> kept;
  const Handle silent = actors.start("silent", keeper(kept));
  const Handle whom = actors.start("asker", [&](Scripted& self, Handlers& on) {
    on.tell<Number>([&](Number::Reader) {
      self.ask<Number, Number>(silent, Instant::max(), number(1), [](const Answer<Number>&) {});
    });
  });
  for (int i = 0; i < 130; ++i) {
    actors.inside([&](Scripted& self) { self.tell<Number>(whom, number(1)); });
    actors.stage.run_for(1s);
  }
  Seen seen(actors, whom);
  CHECK((*seen).getAsksInAll() == 130);
  const auto asks = (*seen).getAsks();
  REQUIRE(asks.size() == 100);
  for (unsigned i = 0; i < 100; ++i) CHECK(asks[i].getSinceMs() == 1'000 * (130 - i));
}

TEST_CASE("portrait: timers are told by their names and times, and those that ran or were cancelled are not") {
  struct Flush {};
  struct Expire {};
  struct Cancelled {};
  struct Ran {};
  ActorFixture actors;
  const Handle whom = actors.start(
      "timed",
      [](Scripted&, Handlers& on) {
        on.timer<Flush>([] {});
        on.timer<Expire>([] {});
        on.timer<Cancelled>([] {});
        on.timer<Ran>([] {});
      },
      [](Scripted& self) {
        self.after<Flush>(10s);
        self.after<Expire>(3h);
        self.after<Cancelled>(10s);
        self.cancel<Cancelled>();
        self.after<Ran>(1s);
      });
  actors.stage.run_for(4s);
  Seen seen(actors, whom);
  const auto timers = (*seen).getTimers();
  REQUIRE(timers.size() == 2);
  CHECK(text(timers[0].getName()) == "Flush");
  CHECK(timers[0].getDueMs() == 6'000);
  CHECK(text(timers[1].getName()) == "Expire");
  CHECK(timers[1].getDueMs() == 3 * 3'600'000 - 4'000);
}

TEST_CASE("portrait: an actor that nobody looks at is not asked to describe itself") {
  ActorFixture actors;
  int described = 0;
  const Handle whom =
      actors.start("shy", [&](Scripted&, Handlers& on) { on.describe<Number>([&](Number::Builder) { ++described; }); });
  Seen seen(actors, whom);
  CHECK((*seen).getStateKind() == 0);
  CHECK(described == 0);
}

TEST_CASE("portrait: state is what describe() shows, as it travels") {
  ActorFixture actors;
  std::uint64_t value = 41;
  const Handle whom = actors.start("shown", [&](Scripted&, Handlers& on) {
    on.describe<Number>([&](Number::Builder out) { out.setValue(++value); });
  });
  Seen seen(actors, whom, true);
  CHECK((*seen).getStateKind() == messages::kind_of<Number>().id);
  const auto bytes = (*seen).getState();
  REQUIRE(bytes.size() % sizeof(capnp::word) == 0);
  std::vector<capnp::word> words(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.data(), bytes.begin(), bytes.size());
  const auto state = Envelope::from_words({.kind = &messages::kind_of<Number>()}, {words.data(), words.size()});
  CHECK(Envelope::Reading<Number>(state).root().getValue() == 42);
  CHECK(actors.record("/shown")->handled == 0);
}

TEST_CASE("portrait: a state of any size leaves the actor alive and the portrait answered") {
  for (const unsigned bytes : {1'000u, 899'000u, 1'048'000u, 1'048'576u}) {
    CAPTURE(bytes);
    ActorFixture actors;
    const Handle whom = actors.start("large", [&](Scripted& self, Handlers& on) {
      successor(self, on);
      on.describe<Parcel>([bytes](Parcel::Builder out) { out.initData(bytes); });
    });
    Seen seen(actors, whom, true);
    CHECK(static_cast<bool>(seen));
    if (seen) {
      CHECK((*seen).getStateKind() == messages::kind_of<Parcel>().id);
      const std::size_t shown = (*seen).getState().size();
      CHECK((bytes <= 900'000 ? shown >= bytes : shown == 0));
    }
    CHECK(actors.node.find("/large") == whom);
    Outcome outcome;
    actors.inside([&](Scripted& self) { self.ask<Number, Number>(whom, Instant::max(), number(1), outcome.note()); });
    CHECK(outcome.value == 2);
  }
}

TEST_CASE("portrait: a describe() that throws answers `internal`, breaks the actor, and its next incarnation serves") {
  ActorFixture actors;
  bool throws = true;
  Handle child;
  actors.start("parent", {}, [&](Scripted& parent) {
    child = parent.spawn("child", script([&](Scripted& self, Handlers& on) {
                           successor(self, on);
                           on.describe<Number>([&](Number::Builder) {
                             if (throws) throw std::runtime_error("no state to be proud of");
                           });
                         }));
  });
  actors.stage.settle();
  Seen broken(actors, child, true);
  CHECK_FALSE(static_cast<bool>(broken));
  REQUIRE(broken.error.has_value());
  CHECK(broken.error->code == Code::internal);
  CHECK(actors.record("/child")->activity == runtime::Activity::waiting);
  Seen waiting(actors, child);
  CHECK((*waiting).getStateKind() == 0);
  REQUIRE((*waiting).getErrors().size() == 1);
  CHECK(text((*waiting).getErrors()[0].getText()) == "no state to be proud of");
  throws = false;
  actors.stage.run_for(1s);
  Seen again(actors, child, true);
  CHECK((*again).getIncarnation() == 2);
  CHECK((*again).getStateKind() == messages::kind_of<Number>().id);
  Outcome outcome;
  actors.inside([&](Scripted& self) { self.ask<Number, Number>(child, Instant::max(), number(1), outcome.note()); });
  CHECK(outcome.value == 2);
}

TEST_CASE("portrait: only actors of the node may ask for it, and nobody is harmed by one that is told") {
  ActorFixture actors;
  const Handle whom = actors.start("one", successor);
  actors.inside([&](Scripted& self) { self.send(whom, Envelope::build<Portray>({}, [](auto) {})); });
  CHECK(actors.node.dead_letters(runtime::DeadLetter::unsupported) == 1);
  CHECK_FALSE(messages::may_send(messages::kind_of<Portray>(), messages::Role::peer));
  CHECK_FALSE(messages::may_send(messages::kind_of<Portray>(), messages::Role::operate));
  CHECK_FALSE(messages::may_send(messages::kind_of<LookAway>(), messages::Role::peer));
  actors.inside([&](Scripted& self) {
    self.send(whom, Envelope::build<Portray>({.origin = runtime::Origin::foreign}, [](auto) {}));
    self.send(whom, Envelope::build<LookAway>({.origin = runtime::Origin::foreign}, [](auto) {}));
  });
  CHECK(actors.node.find("/one") == whom);
}
