// The warnings with real actors: raised with reason and threshold, kept, and taken back.
#include "tests/actors/inspect/desk.hpp"

using namespace troupe;
using namespace troupe::inspect;
using runtime::Alarm;

namespace {

struct Soon {};

/// That it was raised alone, says that, and is taken back kHold after the last survey that found it, which is one that
/// ran at `over` or in the two seconds before.
void kept_and_cleared(Desk& desk, Warning warning, std::initializer_list<std::string_view> words) {
  const std::string text = desk.only(warning);
  for (const std::string_view word : words) CHECK_MESSAGE(has(text, word), text, " lacks ", word);
  desk.pass(kHold - 2s);
  CHECK(desk.only(warning) == text);
  desk.pass(4s);
  CHECK_MESSAGE(desk.well(), desk.only(warning));
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
  Desk desk;
  desk.start("idle", test::successor);
  for (int i = 0; i < 600; ++i) {
    desk.pass(1s);
    CHECK_MESSAGE(desk.well(), desk.only(Warning::old_message));
  }
  CHECK(desk.surveys.size() == 300);
  CHECK(desk.surveys.back().actors == 2);
}

TEST_CASE("warnings: growing-mailbox") {
  Desk desk;
  int waiting = 900;
  const Handle taker = desk.start("taker", [](Scripted&, Handlers& on) { on.tell<Number>([](Number::Reader) {}); });
  desk.parked.push_back(taker.id());
  // It comes to all that wait, and then more wait than before.
  const auto grow = [&] {
    desk.theatre.stage.unpark(taker.id());
    desk.theatre.stage.settle();
    desk.theatre.stage.park(taker.id());
    desk.theatre.inside([&](Scripted& self) {
      for (int i = 0; i < waiting; ++i) self.tell<Number>(taker, number(1));
    });
    waiting += 20;
    desk.pass(500ms);
  };
  for (int i = 0; i < 4 * 5; ++i) grow();
  CHECK_MESSAGE(desk.well(), desk.only(Warning::growing_mailbox));
  for (int i = 0; i < 4 * 3; ++i) grow();
  desk.theatre.stage.unpark(taker.id());
  kept_and_cleared(desk, Warning::growing_mailbox, {"/taker grows", "1,000 or more", "the last 5 looks"});
}

TEST_CASE("warnings: old-message") {
  Desk desk;
  const Handle hung = desk.hung("hung");
  desk.pass(1'500ms);
  desk.ask_number(hung, 3);
  desk.pass(500ms);
  CHECK(desk.well());
  desk.pass(4s);
  CHECK(has(desk.only(Warning::old_message), "mailbox of /hung"));
  desk.theatre.stage.unpark(hung.id());
  kept_and_cleared(desk, Warning::old_message, {"(more than 1 s)"});
}

TEST_CASE("warnings: slow-handler") {
  Desk desk;
  desk.theatre.node.alarms().sound(Alarm::slow_handler, "/slow", 130ms, desk.clock.now(), "bench.Number");
  desk.pass(kEventTime);
  kept_and_cleared(desk, Warning::slow_handler, {"/slow (bench.Number) took 130 ms", "(100 ms or more)"});
}

TEST_CASE("warnings: never-idle") {
  Desk desk;
  bool goes_on = true;
  desk.start(
      "busy",
      [&](Scripted& self, Handlers& on) {
        on.timer<Soon>([&] {
          desk.clock.spend(99ms);
          if (goes_on) self.after<Soon>(1ms);
        });
      },
      [](Scripted& self) { self.after<Soon>(1ms); });
  const base::Instant began = desk.clock.now();
  while (desk.clock.now() - began < 30s) desk.pass(1ms);
  CHECK_MESSAGE(desk.well(), desk.only(Warning::never_idle));
  while (desk.clock.now() - began < 36s) desk.pass(1ms);
  goes_on = false;
  desk.pass(1ms);
  kept_and_cleared(desk, Warning::never_idle, {"/busy has not rested for 3", "(30 s or more at 95 % or more)"});
}

TEST_CASE("warnings: restart-storm") {
  Desk desk;
  Handle child;
  const auto fragile = [](Scripted&, Handlers& on) {
    on.tell<Latest>([](Latest::Reader) { base::ensure(false, "the actor is whole"); });
  };
  runtime::SpawnOptions patient;
  patient.children.restarts_max = 10;
  desk.others.push_back(desk.theatre.node.start(
      "top", test::script({}, [&](Scripted& self) { child = self.spawn("weak", test::script(fragile)); }), patient));
  desk.theatre.stage.settle();
  for (int i = 0; i < 3; ++i) {
    CHECK_MESSAGE(desk.well(), desk.only(Warning::restart_storm));
    desk.theatre.inside([&](Scripted& self) { self.tell<Latest>(child, number(1)); });
    desk.pass(5s);
  }
  const std::string text = desk.only(Warning::restart_storm);
  CHECK(has(text, "/weak breaks again and again (internal; 3 or more restarts within 30 s)"));
  desk.pass(16s);
  kept_and_cleared(desk, Warning::restart_storm, {"`troupe inspect --once /weak` shows why"});
  child = {};
}

TEST_CASE("warnings: dead-letters") {
  Desk desk;
  const Handle deaf = desk.start("deaf");
  desk.pass(2s);  // what came before the first survey is not counted: it may be old
  desk.theatre.inside([&](Scripted& self) {
    for (int i = 0; i < 100; ++i) self.tell<Number>(deaf, number(1));
  });
  desk.pass(2s);
  CHECK(has(desk.only(Warning::dead_letters), "100 messages reached nobody in the last minute"));
  desk.pass(58s);
  kept_and_cleared(desk, Warning::dead_letters, {"most of them of unknown kinds (100 or more)"});
}

TEST_CASE("warnings: no-credit") {
  using bench::wire::Order;
  using bench::wire::Parcel;
  Desk desk;
  runtime::Sink<Parcel> writing;
  const Handle writer = desk.start("writer", [&](Scripted&, Handlers& on) {
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
  desk.start("reader", {}, [&](Scripted& self) {
    reading = self.subscribe<Order, Parcel>(
        writer, 1h, [](Order::Builder) {}, [](Parcel::Reader) {}, [](auto) {});
    reading.pause();
  });
  desk.pass(4s);
  CHECK(desk.well());
  desk.pass(4s);
  CHECK(has(desk.only(Warning::no_credit), "/writer has not been allowed to write on"));
  desk.theatre.inside([&](Scripted&) { reading.cancel(); });
  kept_and_cleared(desk, Warning::no_credit, {"(more than 5 s)"});
  desk.theatre.inside([&](Scripted&) { writing = {}; });
}

TEST_CASE("warnings: ask-cycle") {
  Desk desk;
  Handle one, two, three;
  SUBCASE("of two") {
    one = desk.start("one", asks(two));
    two = desk.start("two", asks(one));
  }
  SUBCASE("of three") {
    one = desk.start("one", asks(two));
    two = desk.start("two", asks(three));
    three = desk.start("three", asks(one));
  }
  desk.ask_number(one);
  desk.pass(2s);
  CHECK(desk.well());
  desk.pass(8s);
  const std::string text = desk.only(Warning::ask_cycle);
  CHECK(has(text, three ? "/two asks /three" : "/two asks /one"));
  // One of them goes, and the others are answered.
  test::Theatre::kill(two);
  desk.pass(2s);
  kept_and_cleared(desk, Warning::ask_cycle,
                   {"/one asks /two", "each waits for an answer of the next one", "(for 1 s or more)"});
  one = two = three = {};
}

TEST_CASE("warnings: no ask-cycle where actors ask each other and are answered, at once or late") {
  Desk desk;
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
          on.timer<Soon>([&self, &other] {
            self.ask<Number, Number>(other, self.now() + 1h, number(1),
                                     [&self](const auto&) { self.after<Soon>(10ms); });
          });
        },
        [](Scripted& self) { self.after<Soon>(1ms); });
  };
  one = desk.theatre.node.start("one", polite(two));
  two = desk.theatre.node.start("two", polite(one));
  for (int i = 0; i < 60; ++i) {
    desk.pass(1s);
    CHECK_MESSAGE(desk.well(), desk.only(Warning::ask_cycle));
  }
  one = two = {};
}

TEST_CASE("warnings: late-timer") {
  Desk desk;
  desk.start(
      "sleeper", [](Scripted&, Handlers& on) { on.timer<Soon>([] {}); },
      [](Scripted& self) { self.after<Soon>(500ms); });
  desk.pass(400ms);
  desk.theatre.inside([&](Scripted&) { desk.clock.spend(700ms); });
  desk.pass(2s);
  CHECK(has(desk.only(Warning::late_timer), "a timer of /sleeper came 600 ms late"));
  desk.pass(kEventTime - 2s);
  kept_and_cleared(desk, Warning::late_timer, {"(500 ms or more)"});
}

TEST_CASE("warnings: clock-step") {
  Desk desk;
  desk.pass(3s);
  desk.theatre.ports.clock().step(2s);
  desk.pass(2s);
  CHECK(has(desk.only(Warning::clock_step), "moved on, by 2,000 ms"));
  desk.pass(kEventTime - 2s);
  kept_and_cleared(desk, Warning::clock_step, {"its date was moved", "(1 s or more)"});
}

TEST_CASE("warnings: slow-sync") {
  Desk desk;
  desk.theatre.node.alarms().sound(Alarm::slow_sync, "/store", 1'200ms, desk.clock.now());
  desk.pass(kEventTime);
  kept_and_cleared(desk, Warning::slow_sync, {"/store waited 1,200 ms for its device", "(1 s or more)"});
}

TEST_CASE("warnings: flapping-link") {
  Desk desk;
  for (std::uint32_t i = 0; i < runtime::kFlaps; ++i)
    desk.theatre.node.alarms().sound(Alarm::flapping_link, "ab12", 0s, desk.clock.now(), {}, i + 1);
  desk.pass(kEventTime);
  kept_and_cleared(desk, Warning::flapping_link, {"the link to ab12 was lost 3 times within 60 s (3 or more)"});
}

TEST_CASE("warnings: they are told once, and after a minute again when somebody else is concerned") {
  Desk desk;
  std::vector<std::string> told;
  desk.health.on_change([&](const observe::HealthReason& reason) { told.push_back(reason.text); });
  const Handle one = desk.hung("one");
  desk.ask_number(one);
  desk.pass(20s);
  REQUIRE(told.size() == 1);
  desk.theatre.stage.unpark(one.id());
  desk.ask_number(desk.hung("two"));
  desk.pass(4s);
  REQUIRE(told.size() == 1);  // two that are worst in turn are told once a minute
  desk.pass(60s);
  REQUIRE(told.size() == 2);
  CHECK(has(told[1], "/two"));
}

TEST_CASE("warnings: an inspector that begins takes back what an earlier one has raised") {
  Desk desk;
  desk.health.raise("old-message", observe::HealthState::degraded, "of an earlier life");
  desk.health.raise("disk", observe::HealthState::degraded, "it is none of the inspector's");
  const Handle second = desk.theatre.node.start("second", [&] {
    InspectActor::Setup setup;
    setup.health = &desk.health;
    return std::make_unique<InspectActor>(setup);
  });
  desk.theatre.stage.settle();
  REQUIRE(desk.health.reasons().size() == 1);
  CHECK(desk.health.reasons()[0].source == "disk");
}
