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

void look_away(Theatre& theatre, const Handle& whom) {
  theatre.inside([&](Scripted& self) { self.send(whom, Envelope::build<LookAway>({}, [](auto) {})); });
}

/// As an inspector does now and then.
void drop_lapsed(Theatre& theatre) {
  for (const Handle& whom : theatre.node.lenses().lapsed(theatre.node.world().clock.now())) look_away(theatre, whom);
}

}  // namespace

TEST_CASE(
    "portrait: after a failure and a restart the errors and the last messages are there, also that which broke it") {
  Theatre theatre;
  Handle child;
  theatre.start("parent", {}, [&](Scripted& parent) {
    child = parent.spawn("child", script([](Scripted&, Handlers& on) {
                           on.tell<Number>([](Number::Reader told) {
                             if (told.getValue() == 13) throw std::runtime_error("unlucky");
                           });
                         }));
  });
  theatre.stage.settle();
  theatre.inside([&](Scripted& self) { self.tell<Number>(child, number(1)); });
  theatre.inside([&](Scripted& self) { self.send(child, Envelope::build<Number>({.trace = {.id = 99}}, number(13))); });
  theatre.stage.run_for(5s);
  theatre.inside([&](Scripted& self) { self.tell<Number>(child, number(2)); });
  theatre.stage.run_for(1s);
  Seen seen(theatre, child);
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
  CHECK(messages[1].getFrom() == theatre.node.find("/outside").id());
}

TEST_CASE("portrait: from the first look on messages are kept, and no look alone is a message") {
  Theatre theatre;
  const Handle whom = theatre.start("one", successor);
  theatre.inside([&](Scripted& self) { self.tell<Number>(whom, number(1)); });
  Seen first(theatre, whom, true);
  CHECK((*first).getMessages().size() == 0);
  CHECK((*first).getKeptForMs() == 1);
  theatre.stage.run_for(2s);
  Outcome outcome;
  theatre.inside([&](Scripted& self) { self.ask<Number, Number>(whom, Instant::max(), number(1), outcome.note()); });
  theatre.stage.run_for(1s);
  Seen second(theatre, whom, true);
  CHECK((*second).getKeptForMs() == 3'000);
  REQUIRE((*second).getMessages().size() == 1);
  const auto message = (*second).getMessages()[0];
  CHECK(text(message.getKind()) == name_of<Number>());
  CHECK(message.getFrom() == theatre.node.find("/outside").id());
  CHECK(message.getAgoMs() == 1'000);
  CHECK(message.getBytes() > 0);
  CHECK((*second).getTimed() == 1);
  CHECK((*second).getP99Us() <= 1);  // no time passes in a handler of a simulation
}

TEST_CASE("portrait: a lens that lapsed is dropped, and one looked through again is kept for as long anew") {
  Theatre theatre;
  const Handle whom = theatre.start("one", successor);
  theatre.stage.settle();
  CHECK(static_cast<bool>(Seen(theatre, whom, true)));
  const std::size_t bytes = theatre.node.lenses().bytes();
  CHECK(bytes == sizeof(runtime::Lens));
  SUBCASE("not before its time, whoever asks") {
    theatre.stage.run_for(59s);
    drop_lapsed(theatre);
    look_away(theatre, whom);
    CHECK(theatre.node.lenses().bytes() == bytes);
  }
  SUBCASE("at its time") {
    theatre.stage.run_for(runtime::kLensTime);
    drop_lapsed(theatre);
    CHECK(theatre.node.lenses().bytes() == 0);
    Seen seen(theatre, whom);
    CHECK((*seen).getKeptForMs() == 0);
  }
  SUBCASE("looked through again") {
    theatre.stage.run_for(30s);
    CHECK(static_cast<bool>(Seen(theatre, whom, true)));
    CHECK(theatre.node.lenses().bytes() == bytes);
    theatre.stage.run_for(30s);
    drop_lapsed(theatre);
    CHECK(theatre.node.lenses().bytes() == bytes);
    theatre.stage.run_for(29s);
    drop_lapsed(theatre);
    CHECK(theatre.node.lenses().bytes() == bytes);
    theatre.stage.run_for(1s);
    drop_lapsed(theatre);
    CHECK(theatre.node.lenses().bytes() == 0);
  }
}
