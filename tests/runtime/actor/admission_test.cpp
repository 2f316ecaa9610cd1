// What waits in a mailbox, what does not get in, and what neither leaves behind.
#include <doctest/doctest.h>

#include "messages/common.capnp.h"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Latest;
using bench::wire::Number;
using messages::wire::Nothing;
using runtime::Answer;
using runtime::DeadLetter;
using runtime::Handle;
using runtime::Handlers;
using runtime::Reply;

TEST_CASE("actor: a full mailbox answers questions `overloaded` and drops tells, and counts both") {
  Theatre theatre(1, {.mailbox_max = 10});
  std::uint64_t told = 0;
  const Handle slow = theatre.start("slow", [&](Scripted& self, Handlers& on) {
    successor(self, on);
    on.tell<Latest>([&](Latest::Reader) {});
  });
  const Handle counts =
      theatre.start("counts", [&](Scripted&, Handlers& on) { on.tell<Number>([&](Number::Reader) { ++told; }); });
  std::array<Outcome, 12> outcomes;
  theatre.inside([&](Scripted& self) {
    for (int i = 0; i < 25; ++i) self.tell<Number>(counts, number(1));
    for (Outcome& outcome : outcomes) self.ask<Number, Number>(slow, base::Instant::max(), number(1), outcome.note());
    CHECK(theatre.record("/slow")->depth() == 10);
  });
  CHECK(told == 10);
  CHECK(theatre.node.dead_letters(DeadLetter::full) == 15);
  CHECK(outcomes[9].value == 2);
  CHECK(outcomes[10].code == Code::overloaded);
  CHECK(outcomes[11].code == Code::overloaded);
  CHECK(theatre.record("/slow")->depth() == 0);
  CHECK(theatre.record("/slow")->refused_full == 2);
}

TEST_CASE("actor: without counting everything is handled, nothing is counted and no mailbox is full") {
  Theatre theatre(1, {.mailbox_max = 10, .counting = false});
  int handled = 0;
  const Handle slow = theatre.start("slow", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([](Number::Reader, Reply<Number> reply) { reply.done(); });
    on.tell<Latest>([&](Latest::Reader) { ++handled; });
    on.tell<Nothing>([&](Nothing::Reader) { ++handled; });
  });
  Outcome outcome;
  theatre.inside([&](Scripted& self) {
    for (int i = 0; i < 20; ++i) self.tell<Nothing>(slow, [](Nothing::Builder) {});
    for (int i = 0; i < 3; ++i) self.tell<Latest>(slow, number(7));
    self.ask<Number, Number>(slow, self.now() + 1s, number(1), outcome.note());
  });
  CHECK(handled == 21);
  CHECK(outcome.calls == 1);
  CHECK_FALSE(outcome.code);
  CHECK(theatre.node.dead_letters(DeadLetter::full) == 0);
  CHECK(theatre.record("/slow")->received == 0);
  CHECK(theatre.record("/slow")->handled == 0);
  CHECK(theatre.record("/slow")->depth() == 0);
  CHECK(theatre.record("/outside")->answers == 0);
}

TEST_CASE("actor: of a keep_latest kind only the newest of each sender waits") {
  Theatre theatre;
  std::vector<std::uint64_t> heard;
  const Handle listener = theatre.start("listener", [&](Scripted&, Handlers& on) {
    on.tell<Latest>([&](Latest::Reader latest) { heard.push_back(latest.getValue()); });
  });
  theatre.inside([&](Scripted& self) {
    for (std::uint64_t i = 0; i < 1000; ++i) self.tell<Latest>(listener, number(i));
    CHECK(theatre.record("/listener")->depth() == 1);
  });
  CHECK(heard == std::vector<std::uint64_t>{999});
  theatre.inside([&](Scripted& self) { self.tell<Latest>(listener, number(5)); });
  theatre.stage.settle();
  CHECK(heard.back() == 5);
}

TEST_CASE("actor: 10,000,000 tells at a stopped actor leave a bounded queue") {
  Theatre theatre;
  const Handle stopped =
      theatre.start("stopped", [](Scripted&, Handlers& on) { on.tell<Number>([](Number::Reader) {}); });
  const auto envelope = runtime::Envelope::build<Number>({}, number(1));
  theatre.inside([&](Scripted& self) {
    for (int i = 0; i < 10'000'000; ++i) self.send(stopped, envelope);
    CHECK(theatre.record("/stopped")->depth() == theatre.node.limits().mailbox_max);
  });
  CHECK(theatre.node.dead_letters(DeadLetter::full) == 10'000'000 - theatre.node.limits().mailbox_max);
}

TEST_CASE("actor: 1,000,000 answered asks with a deadline of 60 s leave nothing behind") {
  Theatre theatre;
  const Handle asked = theatre.start("asked", successor);
  struct Asker {
    Handle asked;
    Scripted* self = nullptr;
    std::uint64_t left = 1'000'000;
    void next() {
      if (left-- == 0) return;
      self->ask<Number, Number>(asked, self->now() + 60s, number(left), [this](Answer<Number> answer) {
        if (answer.ok()) next();
      });
    }
  } asker{asked};
  theatre.inside([&](Scripted& self) {
    asker.self = &self;
    asker.next();
  });
  CHECK(asker.left == std::uint64_t(-1));
  CHECK(theatre.ports.clock().sleepers() <= 1);
}
