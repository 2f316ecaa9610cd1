// The warnings with real actors: raised with reason and threshold, kept, and taken back.
#include "tests/actors/inspect/inspect_fixture.hpp"

using namespace troupe;
using namespace troupe::inspect;
using runtime::Alarm;

namespace {

struct Again {};

/// That it was raised alone, says that, and is taken back kHold after the last survey that found it, which is one that
/// ran at `over` or in the two seconds before.
void kept_and_cleared(InspectFixture& fixture, Warning warning, std::initializer_list<std::string_view> words) {
  const std::string text = fixture.only(warning);
  for (const std::string_view word : words) CHECK_MESSAGE(has(text, word), text, " lacks ", word);
  fixture.pass(kHold - 2s);
  CHECK(fixture.only(warning) == text);
  fixture.pass(4s);
  CHECK_MESSAGE(fixture.well(), fixture.only(warning));
}

/// Answers what it is asked once another one, which it then asks, has answered.
Scripted::Receive asks(const Handle& other) {
  auto kept = std::make_shared<std::vector<Reply<Number>>>();
  return [&other, kept](Scripted& self, Handlers& on) {
    on.ask<Number, Number>([&self, &other, kept](Number::Reader, Reply<Number> reply) {
      kept->push_back(std::move(reply));
      if (kept->size() > 1) return;
      self.ask<Number, Number>(other, self.now() + 24h, number(1), [kept](const auto&) {
        for (auto& one : std::exchange(*kept, {})) one.send(number(1));
      });
    });
  };
}

}  // namespace

TEST_CASE("warnings: a node with nothing to do has none, however long") {
  InspectFixture fixture;
  fixture.start("idle", test::successor);
  for (int i = 0; i < 600; ++i) {
    fixture.pass(1s);
    CHECK_MESSAGE(fixture.well(), fixture.only(Warning::old_message));
  }
  REQUIRE(fixture.surveys.size() == 1);
  CHECK(fixture.surveys.back().actors == 2);
}

TEST_CASE("warnings: growing-mailbox") {
  InspectFixture fixture;
  int waiting = 900;
  const Handle taker = fixture.start("taker", [](Scripted&, Handlers& on) { on.tell<Number>([](Number::Reader) {}); });
  fixture.parked.push_back(taker.id());
  // It comes to all that wait, and then more wait than before.
  const auto grow = [&] {
    fixture.actors.stage.unpark(taker.id());
    fixture.actors.stage.settle();
    fixture.actors.stage.park(taker.id());
    fixture.actors.inside([&](Scripted& self) {
      for (int i = 0; i < waiting; ++i) self.tell<Number>(taker, number(1));
    });
    waiting += 20;
    fixture.pass(500ms);
  };
  for (int i = 0; i < 4 * 5; ++i) grow();
  CHECK_MESSAGE(fixture.well(), fixture.only(Warning::growing_mailbox));
  for (int i = 0; i < 4 * 3; ++i) grow();
  fixture.actors.stage.unpark(taker.id());
  kept_and_cleared(fixture, Warning::growing_mailbox, {"/taker grows", "1,000 or more", "the last 5 scans"});
}

TEST_CASE("warnings: old-message") {
  InspectFixture fixture;
  const Handle hung = fixture.hung("hung");
  fixture.pass(1'500ms);
  fixture.ask_number(hung, 3);
  fixture.pass(500ms);
  CHECK(fixture.well());
  fixture.pass(4s);
  CHECK(has(fixture.only(Warning::old_message), "mailbox of /hung"));
  fixture.actors.stage.unpark(hung.id());
  kept_and_cleared(fixture, Warning::old_message, {"(more than 1 s)"});
}

TEST_CASE("warnings: slow-handler") {
  InspectFixture fixture;
  fixture.actors.node.alarms().sound(Alarm::slow_handler, "/slow", 130ms, fixture.clock.now(), "bench.Number");
  fixture.pass(kEventTime);
  kept_and_cleared(fixture, Warning::slow_handler, {"/slow (bench.Number) took 130 ms", "(100 ms or more)"});
}

TEST_CASE("warnings: never-idle") {
  InspectFixture fixture;
  bool goes_on = true;
  fixture.start(
      "busy",
      [&](Scripted& self, Handlers& on) {
        on.timer<Again>([&] {
          fixture.clock.spend(99ms);
          if (goes_on) self.after<Again>(1ms);
        });
      },
      [](Scripted& self) { self.after<Again>(1ms); });
  const base::Instant began = fixture.clock.now();
  while (fixture.clock.now() - began < 30s) fixture.pass(1ms);
  CHECK_MESSAGE(fixture.well(), fixture.only(Warning::never_idle));
  while (fixture.clock.now() - began < 36s) fixture.pass(1ms);
  goes_on = false;
  fixture.pass(1ms);
  kept_and_cleared(fixture, Warning::never_idle, {"/busy has not rested for 3", "(30 s or more at 95 % or more)"});
}

TEST_CASE("warnings: restart-storm") {
  InspectFixture fixture;
  Handle child;
  const auto fragile = [](Scripted&, Handlers& on) {
    on.tell<Latest>([](Latest::Reader) { base::ensure(false, "the actor is whole"); });
  };
  runtime::SpawnOptions patient;
  patient.children.restarts_max = 10;
  fixture.others.push_back(fixture.actors.node.start(
      "top", test::script({}, [&](Scripted& self) { child = self.spawn("weak", test::script(fragile)); }), patient));
  fixture.actors.stage.settle();
  for (int i = 0; i < 3; ++i) {
    CHECK_MESSAGE(fixture.well(), fixture.only(Warning::restart_storm));
    fixture.actors.inside([&](Scripted& self) { self.tell<Latest>(child, number(1)); });
    fixture.pass(5s);
  }
  const std::string text = fixture.only(Warning::restart_storm);
  CHECK(has(text, "/weak fails repeatedly (internal; 3 or more restarts within 30 s)"));
  fixture.pass(16s);
  kept_and_cleared(fixture, Warning::restart_storm, {"`troupe inspect --once /weak` shows why"});
  child = {};
}

TEST_CASE("warnings: dead-letters") {
  InspectFixture fixture;
  const Handle deaf = fixture.start("deaf");
  fixture.pass(2s);  // what came before the first survey is not counted: it may be old
  fixture.actors.inside([&](Scripted& self) {
    for (int i = 0; i < 100; ++i) self.tell<Number>(deaf, number(1));
  });
  fixture.pass(2s);
  CHECK(has(fixture.only(Warning::dead_letters), "100 messages reached no actor in the last minute"));
  fixture.pass(58s);
  kept_and_cleared(fixture, Warning::dead_letters, {"most of them of unknown kinds (100 or more)"});
}

TEST_CASE("warnings: no-credit") {
  using bench::wire::Order;
  using bench::wire::Parcel;
  InspectFixture fixture;
  runtime::Sink<Parcel> writing;
  const Handle writer = fixture.start("writer", [&](Scripted&, Handlers& on) {
    on.stream<Order, Parcel>([&](Order::Reader, runtime::Sink<Parcel> sink) {
      writing = std::move(sink);
      const auto write = [&] {
        while (writing.ready()) writing.push([](Parcel::Builder) {});
      };
      writing.on_ready(write);
      write();
    });
  });
  runtime::Subscription reading;
  fixture.start("reader", {}, [&](Scripted& self) {
    reading = self.subscribe<Order, Parcel>(
        writer, 1h, [](Order::Builder) {}, [](Parcel::Reader) {}, [](auto) {});
    reading.pause();
  });
  fixture.pass(4s);
  CHECK(fixture.well());
  fixture.pass(4s);
  CHECK(has(fixture.only(Warning::no_credit), "/writer has had no credit to write"));
  fixture.actors.inside([&](Scripted&) { reading.cancel(); });
  kept_and_cleared(fixture, Warning::no_credit, {"(more than 5 s)"});
  fixture.actors.inside([&](Scripted&) { writing = {}; });
}

TEST_CASE("warnings: ask-cycle") {
  InspectFixture fixture;
  Handle one, two, three;
  SUBCASE("of two") {
    one = fixture.start("one", asks(two));
    two = fixture.start("two", asks(one));
  }
  SUBCASE("of three") {
    one = fixture.start("one", asks(two));
    two = fixture.start("two", asks(three));
    three = fixture.start("three", asks(one));
  }
  fixture.ask_number(one);
  fixture.pass(2s);
  CHECK(fixture.well());
  fixture.pass(8s);
  const std::string text = fixture.only(Warning::ask_cycle);
  CHECK(has(text, three ? "/two asks /three" : "/two asks /one"));
  // One of them goes, and the others are answered.
  test::ActorFixture::kill(two);
  fixture.pass(2s);
  kept_and_cleared(fixture, Warning::ask_cycle,
                   {"/one asks /two", "each waits for an answer of the next actor", "(for 1 s or more)"});
  one = two = three = {};
}

TEST_CASE("warnings: no ask-cycle where actors ask each other and are answered, at once or late") {
  InspectFixture fixture;
  base::Duration delay{0};
  SUBCASE("at once") {}
  SUBCASE("late") { delay = 900ms; }
  Handle one, two;
  const auto polite = [&](Handle& other) {
    auto kept = std::make_shared<std::vector<Reply<Number>>>();
    return test::script(
        [&other, kept, delay](Scripted& self, Handlers& on) {
          struct Answer {};
          on.ask<Number, Number>([&self, kept, delay](Number::Reader, Reply<Number> reply) {
            kept->push_back(std::move(reply));
            self.after<Answer>(delay);
          });
          on.timer<Answer>([kept] {
            for (auto& reply : *kept) reply.send(number(1));
            kept->clear();
          });
          on.timer<Again>([&self, &other] {
            self.ask<Number, Number>(other, self.now() + 1h, number(1),
                                     [&self](const auto&) { self.after<Again>(10ms); });
          });
        },
        [](Scripted& self) { self.after<Again>(1ms); });
  };
  one = fixture.actors.node.start("one", polite(two));
  two = fixture.actors.node.start("two", polite(one));
  for (int i = 0; i < 60; ++i) {
    fixture.pass(1s);
    CHECK_MESSAGE(fixture.well(), fixture.only(Warning::ask_cycle));
  }
  one = two = {};
}

TEST_CASE("warnings: late-timer, but for the first half minute of a node") {
  InspectFixture fixture;
  fixture.actors.node.alarms().sound(Alarm::late_timer, "/early", 3s, fixture.clock.now());
  fixture.pass(kStartTime + 2s);
  CHECK(fixture.well());
  fixture.start(
      "sleeper", [](Scripted&, Handlers& on) { on.timer<Again>([] {}); },
      [](Scripted& self) { self.after<Again>(500ms); });
  fixture.pass(400ms);
  fixture.actors.inside([&](Scripted&) { fixture.clock.spend(700ms); });
  fixture.pass(2s);
  CHECK(has(fixture.only(Warning::late_timer), "a timer of /sleeper came 600 ms late"));
  fixture.pass(kEventTime - 2s);
  kept_and_cleared(fixture, Warning::late_timer, {"(500 ms or more)"});
}

TEST_CASE("warnings: clock-step") {
  InspectFixture fixture;
  fixture.pass(3s);
  fixture.actors.ports.clock().step(2s);
  fixture.actors.inside([](Scripted&) {});  // a node at rest sees it when something next happens
  fixture.pass(2s);
  CHECK(has(fixture.only(Warning::clock_step), "moved on, by 2,000 ms"));
  fixture.pass(kEventTime - 2s);
  kept_and_cleared(fixture, Warning::clock_step, {"its date was moved", "(1 s or more)"});
}

TEST_CASE("warnings: slow-sync") {
  InspectFixture fixture;
  fixture.actors.node.alarms().sound(Alarm::slow_sync, "/store", 1'200ms, fixture.clock.now());
  fixture.pass(kEventTime);
  kept_and_cleared(fixture, Warning::slow_sync, {"/store waited 1,200 ms for its device", "(1 s or more)"});
}

TEST_CASE("warnings: flapping-link") {
  InspectFixture fixture;
  for (std::uint32_t i = 0; i < runtime::kFlaps; ++i)
    fixture.actors.node.alarms().sound(Alarm::flapping_link, "ab12", 0s, fixture.clock.now(), {}, i + 1);
  fixture.pass(kEventTime);
  kept_and_cleared(fixture, Warning::flapping_link, {"the link to ab12 was lost 3 times within 60 s (3 or more)"});
}

TEST_CASE("warnings: they are told once, and after a minute again when somebody else is concerned") {
  InspectFixture fixture;
  std::vector<std::string> told;
  fixture.health.on_change([&](const observe::HealthReason& reason) { told.push_back(reason.text); });
  const Handle one = fixture.hung("one");
  fixture.ask_number(one);
  fixture.pass(20s);
  REQUIRE(told.size() == 1);
  fixture.actors.stage.unpark(one.id());
  fixture.ask_number(fixture.hung("two"));
  fixture.pass(4s);
  REQUIRE(told.size() == 1);  // two that are worst in turn are told once a minute
  fixture.pass(60s);
  REQUIRE(told.size() == 2);
  CHECK(has(told[1], "/two"));
}

TEST_CASE("warnings: a reason shows its newest number, and is logged once") {
  InspectFixture fixture;
  std::size_t told = 0;
  fixture.health.on_change([&](const observe::HealthReason&) { ++told; });
  fixture.ask_number(fixture.hung("hung"));
  fixture.pass(4s);
  const std::string before = fixture.only(Warning::old_message);
  fixture.pass(20s);
  CHECK(fixture.only(Warning::old_message) != before);
  CHECK_MESSAGE(has(fixture.only(Warning::old_message), "for 2"), fixture.only(Warning::old_message));
  CHECK(told == 1);
}

TEST_CASE("warnings: an inspector that begins takes back what an earlier one has raised") {
  InspectFixture fixture;
  fixture.health.raise("old-message", observe::HealthState::degraded, "of an earlier life");
  fixture.health.raise("disk", observe::HealthState::degraded, "it is none of the inspector's");
  const Handle second = fixture.actors.node.start("second", [&] {
    InspectActor::Setup setup;
    setup.health = &fixture.health;
    return std::make_unique<InspectActor>(setup);
  });
  fixture.actors.stage.settle();
  REQUIRE(fixture.health.reasons().size() == 1);
  CHECK(fixture.health.reasons()[0].source == "disk");
}
