// What is kept of an actor while somebody looks, or since it broke: for how long, and what of it a portrait shows.
#include <doctest/doctest.h>

#include "tests/runtime/actor/portrait.hpp"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using base::Instant;
using bench::wire::Number;
using runtime::Envelope;
using runtime::Handle;
using runtime::Handlers;
using runtime::wire::LookAway;

namespace {

void look_away(ActorFixture& actors, const Handle& whom) {
  actors.inside([&](Scripted& self) { self.send(whom, Envelope::build<LookAway>({}, [](auto) {})); });
}

/// As an inspector does now and then.
void drop_lapsed(ActorFixture& actors) {
  for (const Handle& whom : actors.node.recent_pool().lapsed(actors.node.world().clock.now())) look_away(actors, whom);
}

}  // namespace

TEST_CASE(
    "portrait: after a failure and a restart the errors and the last messages are there, also that which broke it") {
  ActorFixture actors;
  Handle child;
  actors.start("parent", {}, [&](Scripted& parent) {
    child = parent.spawn("child", script([](Scripted&, Handlers& on) {
                           on.tell<Number>([](Number::Reader told) {
                             if (told.getValue() == 13) throw std::runtime_error("unlucky");
                           });
                         }));
  });
  actors.stage.settle();
  actors.inside([&](Scripted& self) { self.tell<Number>(child, number(1)); });
  actors.inside([&](Scripted& self) { self.send(child, Envelope::build<Number>({.trace = {.id = 99}}, number(13))); });
  actors.stage.run_for(5s);
  actors.inside([&](Scripted& self) { self.tell<Number>(child, number(2)); });
  actors.stage.run_for(1s);
  Seen seen(actors, child);
  CHECK((*seen).getIncarnation() == 2);
  CHECK((*seen).getKeptForMs() == 6'000);
  REQUIRE((*seen).getErrors().size() == 1);
  CHECK((*seen).getErrors()[0].getAgoMs() == 6'000);
  CHECK((*seen).getErrors()[0].getCode() == static_cast<std::uint16_t>(Code::internal));
  CHECK(text((*seen).getErrors()[0].getText()) == "unlucky");
  const auto messages = (*seen).getMessages();
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].getAgoMs() == 1'000);
  CHECK(messages[0].getTrace() == 0);
  CHECK(messages[1].getAgoMs() == 6'000);
  CHECK(messages[1].getTrace() == 99);
  CHECK(messages[1].getFrom() == actors.node.find("/outside").id());
}

TEST_CASE("portrait: from the first look on messages are kept, and no look alone is a message") {
  ActorFixture actors;
  const Handle whom = actors.start("one", successor);
  actors.inside([&](Scripted& self) { self.tell<Number>(whom, number(1)); });
  Seen first(actors, whom, true);
  CHECK((*first).getMessages().size() == 0);
  CHECK((*first).getKeptForMs() == 1);
  actors.stage.run_for(2s);
  Outcome outcome;
  actors.inside([&](Scripted& self) { self.ask<Number, Number>(whom, Instant::max(), number(1), outcome.note()); });
  actors.stage.run_for(1s);
  Seen second(actors, whom, true);
  CHECK((*second).getKeptForMs() == 3'000);
  REQUIRE((*second).getMessages().size() == 1);
  const auto message = (*second).getMessages()[0];
  CHECK(text(message.getKind()) == name_of<Number>());
  CHECK(message.getFrom() == actors.node.find("/outside").id());
  CHECK(message.getAgoMs() == 1'000);
  CHECK(message.getBytes() > 0);
  CHECK((*second).getTimed() == 1);
  CHECK((*second).getP99Us() <= 1);  // no time passes in a handler of a simulation
}

TEST_CASE("portrait: what lapsed is dropped, and what was looked at again is kept for as long anew") {
  ActorFixture actors;
  const Handle whom = actors.start("one", successor);
  actors.stage.settle();
  CHECK(static_cast<bool>(Seen(actors, whom, true)));
  const std::size_t bytes = actors.node.recent_pool().bytes();
  CHECK(bytes == sizeof(runtime::RecentMessages));
  SUBCASE("not before its time, whoever asks") {
    actors.stage.run_for(59s);
    drop_lapsed(actors);
    look_away(actors, whom);
    CHECK(actors.node.recent_pool().bytes() == bytes);
  }
  SUBCASE("at its time") {
    actors.stage.run_for(runtime::kRecentTime);
    drop_lapsed(actors);
    CHECK(actors.node.recent_pool().bytes() == 0);
    Seen seen(actors, whom);
    CHECK((*seen).getKeptForMs() == 0);
  }
  SUBCASE("looked through again") {
    actors.stage.run_for(30s);
    CHECK(static_cast<bool>(Seen(actors, whom, true)));
    CHECK(actors.node.recent_pool().bytes() == bytes);
    actors.stage.run_for(30s);
    drop_lapsed(actors);
    CHECK(actors.node.recent_pool().bytes() == bytes);
    actors.stage.run_for(29s);
    drop_lapsed(actors);
    CHECK(actors.node.recent_pool().bytes() == bytes);
    actors.stage.run_for(1s);
    drop_lapsed(actors);
    CHECK(actors.node.recent_pool().bytes() == 0);
  }
}
