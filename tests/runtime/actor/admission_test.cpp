// What waits in a mailbox, what does not get in, and what neither leaves behind.
#include <doctest/doctest.h>

#include "messages/common.capnp.h"
#include "tests/runtime/actor/foreign_actor.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/support.hpp"

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
  ActorFixture actors(1, {.mailbox_max = 10});
  std::uint64_t told = 0;
  const Handle slow = actors.start("slow", [&](Scripted& self, Handlers& on) {
    successor(self, on);
    on.tell<Latest>([&](Latest::Reader) {});
  });
  const Handle counts =
      actors.start("counts", [&](Scripted&, Handlers& on) { on.tell<Number>([&](Number::Reader) { ++told; }); });
  std::array<Outcome, 12> outcomes;
  actors.inside([&](Scripted& self) {
    for (int i = 0; i < 25; ++i) self.tell<Number>(counts, number(1));
    for (Outcome& outcome : outcomes) self.ask<Number, Number>(slow, base::Instant::max(), number(1), outcome.note());
    CHECK(actors.record("/slow")->depth() == 10);
  });
  CHECK(told == 10);
  CHECK(actors.node.dead_letters(DeadLetter::full) == 15);
  CHECK(outcomes[9].value == 2);
  CHECK(outcomes[10].code == Code::overloaded);
  CHECK(outcomes[11].code == Code::overloaded);
  CHECK(actors.record("/slow")->depth() == 0);
  CHECK(actors.record("/slow")->refused_full == 2);
}

TEST_CASE("actor: other nodes fill at most seven eighths of a mailbox; the rest is for this node and its operators") {
  ActorFixture actors(1, {.mailbox_max = 16});
  ForeignActor peer(actors, {}, messages::Role::peer);
  ForeignActor operate(actors, {}, messages::Role::operate);
  const Handle busy = actors.start("busy", successor);
  actors.stage.settle();
  actors.stage.park(busy.id());
  const auto refused = [](const runtime::Envelope& answer) {
    return answer && runtime::read_error(answer).code == Code::overloaded;
  };
  for (int i = 0; i < 14; ++i) CHECK_FALSE(peer.ask<Number>(busy, number(1)));
  CHECK(refused(peer.ask<Number>(busy, number(1))));
  CHECK(actors.record("/busy")->depth() == 14);
  CHECK(actors.record("/busy")->refused_full == 1);
  CHECK_FALSE(operate.ask<Number>(busy, number(1)));
  std::array<Outcome, 2> own;
  actors.inside([&](Scripted& self) {
    for (Outcome& outcome : own) self.ask<Number, Number>(busy, base::Instant::max(), number(1), outcome.note());
  });
  CHECK(own[1].code == Code::overloaded);
  CHECK(refused(operate.ask<Number>(busy, number(1))));
  actors.stage.unpark(busy.id());
  actors.stage.settle();
  CHECK(own[0].value == 2);
  CHECK(actors.record("/busy")->depth() == 0);
  CHECK(peer.ask<Number>(busy, number(1)).kind() == &messages::kind_of<Number>());
}

TEST_CASE("actor: without counting everything is handled, nothing is counted and no mailbox is full") {
  ActorFixture actors(1, {.mailbox_max = 10, .counting = false});
  int handled = 0;
  const Handle slow = actors.start("slow", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([](Number::Reader, Reply<Number> reply) { reply.done(); });
    on.tell<Latest>([&](Latest::Reader) { ++handled; });
    on.tell<Nothing>([&](Nothing::Reader) { ++handled; });
  });
  Outcome outcome;
  actors.inside([&](Scripted& self) {
    for (int i = 0; i < 20; ++i) self.tell<Nothing>(slow, [](Nothing::Builder) {});
    for (int i = 0; i < 3; ++i) self.tell<Latest>(slow, number(7));
    self.ask<Number, Number>(slow, self.now() + 1s, number(1), outcome.note());
  });
  CHECK(handled == 21);
  CHECK(outcome.calls == 1);
  CHECK_FALSE(outcome.code);
  CHECK(actors.node.dead_letters(DeadLetter::full) == 0);
  CHECK(actors.record("/slow")->received == 0);
  CHECK(actors.record("/slow")->handled == 0);
  CHECK(actors.record("/slow")->depth() == 0);
  CHECK(actors.record("/outside")->answers == 0);
}

TEST_CASE("actor: of a keep_latest kind only the newest of each sender waits") {
  ActorFixture actors;
  std::vector<std::uint64_t> heard;
  const Handle listener = actors.start("listener", [&](Scripted&, Handlers& on) {
    on.tell<Latest>([&](Latest::Reader latest) { heard.push_back(latest.getValue()); });
  });
  actors.inside([&](Scripted& self) {
    for (std::uint64_t i = 0; i < 1000; ++i) self.tell<Latest>(listener, number(i));
    CHECK(actors.record("/listener")->depth() == 1);
  });
  CHECK(heard == std::vector<std::uint64_t>{999});
  actors.inside([&](Scripted& self) { self.tell<Latest>(listener, number(5)); });
  actors.stage.settle();
  CHECK(heard.back() == 5);
}

TEST_CASE("actor: 10,000,000 tells at a stopped actor leave a bounded queue") {
  constexpr std::uint64_t kTells = rounds(10'000'000);
  ActorFixture actors;
  const Handle stopped =
      actors.start("stopped", [](Scripted&, Handlers& on) { on.tell<Number>([](Number::Reader) {}); });
  const auto envelope = runtime::Envelope::build<Number>({}, number(1));
  actors.inside([&](Scripted& self) {
    for (std::uint64_t i = 0; i < kTells; ++i) self.send(stopped, envelope);
    CHECK(actors.record("/stopped")->depth() == actors.node.limits().mailbox_max);
  });
  CHECK(actors.node.dead_letters(DeadLetter::full) == kTells - actors.node.limits().mailbox_max);
}

TEST_CASE("actor: 1,000,000 answered asks with a deadline of 60 s leave nothing behind") {
  ActorFixture actors;
  const Handle asked = actors.start("asked", successor);
  struct Asker {
    Handle asked;
    Scripted* self = nullptr;
    std::uint64_t left = rounds(1'000'000);
    void next() {
      if (left-- == 0) return;
      self->ask<Number, Number>(asked, self->now() + 60s, number(left), [this](Answer<Number> answer) {
        if (answer.ok()) next();
      });
    }
  } asker{asked};
  actors.inside([&](Scripted& self) {
    asker.self = &self;
    asker.next();
  });
  CHECK(asker.left == std::uint64_t(-1));
  CHECK(actors.ports.clock().sleepers() <= 1);
}
