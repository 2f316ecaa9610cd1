// Questions and what they come to.
#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Latest;
using bench::wire::Number;
using bench::wire::Parcel;
using runtime::DeadLetter;
using runtime::Handle;
using runtime::Handlers;
using runtime::Reply;

TEST_CASE("actor: a question is answered, exactly once") {
  ActorFixture actors;
  const Handle asked = actors.start("asked", successor);
  Outcome outcome;
  actors.inside([&](Scripted& self) { self.ask<Number, Number>(asked, self.now() + 1s, number(41), outcome.note()); });
  actors.stage.run_for(10s);
  CHECK(outcome.calls == 1);
  CHECK(outcome.value == 42);
}

TEST_CASE("actor: a question without an answer ends with its deadline, at it and not before") {
  ActorFixture actors;
  std::vector<Reply<Number>> kept;
  const Handle asked = actors.start("asked", keeper(kept));
  Outcome outcome;
  actors.inside([&](Scripted& self) { self.ask<Number, Number>(asked, self.now() + 5s, number(1), outcome.note()); });
  actors.stage.run_for(5s - 1ns);
  CHECK(outcome.calls == 0);
  actors.stage.run_for(1ns);
  CHECK(outcome.code == Code::timeout);
  SUBCASE("an answer after it is a dead letter") {
    actors.inside([&](Scripted& self) { self.tell<Latest>(asked, number(2)); });
    CHECK(outcome.calls == 1);
    CHECK(actors.node.dead_letters(DeadLetter::late_answer) == 1);
  }
  actors.inside([&](Scripted& self) { self.tell<Latest>(asked, number(0)); });
}

TEST_CASE("actor: a reply that is dropped answers `dropped`") {
  ActorFixture actors;
  const Handle asked = actors.start(
      "asked", [](Scripted&, Handlers& on) { on.ask<Number, Number>([](Number::Reader, Reply<Number>) {}); });
  Outcome outcome;
  actors.inside(
      [&](Scripted& self) { self.ask<Number, Number>(asked, base::Instant::max(), number(1), outcome.note()); });
  actors.stage.settle();
  CHECK(outcome.code == Code::dropped);
}

TEST_CASE("actor: refuse answers the question at hand, and counts on a tell") {
  ActorFixture actors;
  const Handle asked = actors.start("asked", [](Scripted& self, Handlers& on) {
    on.ask<Number, Number>([&self](Number::Reader, Reply<Number>) { self.refuse({Code::conflict, "no"}); });
    on.tell<Latest>([&self](Latest::Reader) { self.refuse({Code::conflict, "no"}); });
  });
  Outcome outcome;
  actors.inside(
      [&](Scripted& self) { self.ask<Number, Number>(asked, base::Instant::max(), number(1), outcome.note()); });
  actors.inside([&](Scripted& self) { self.tell<Latest>(asked, number(1)); });
  actors.stage.settle();
  CHECK(outcome.calls == 1);
  CHECK(outcome.code == Code::conflict);
  CHECK(actors.node.dead_letters(DeadLetter::refused) == 1);
}

TEST_CASE("actor: a kind without a handler is `unsupported`, and a tell of it a dead letter") {
  ActorFixture actors;
  const Handle deaf = actors.start("deaf", {});
  Outcome outcome;
  actors.inside(
      [&](Scripted& self) { self.ask<Number, Number>(deaf, base::Instant::max(), number(1), outcome.note()); });
  actors.inside([&](Scripted& self) { self.tell<Number>(deaf, number(1)); });
  actors.stage.settle();
  CHECK(outcome.code == Code::unsupported);
  CHECK(actors.node.dead_letters(DeadLetter::unsupported) == 2);
}

TEST_CASE("actor: who asks an actor that has ended, or ends, hears `unavailable`") {
  ActorFixture actors;
  std::vector<Reply<Number>> kept;
  const Handle asked = actors.start("asked", keeper(kept));
  std::array<Outcome, 3> outcomes;
  const auto ask_all = [&](Scripted& self) {
    for (Outcome& outcome : outcomes) self.ask<Number, Number>(asked, base::Instant::max(), number(1), outcome.note());
  };
  SUBCASE("before the question") {
    caf::anon_send_exit(asked, caf::exit_reason::kill);
    actors.stage.settle();
    actors.inside(ask_all);
  }
  SUBCASE("with questions unread") {
    actors.inside([&](Scripted& self) {
      ask_all(self);
      self.send(asked, runtime::Envelope::build<runtime::wire::Stop>(
                           {}, [](runtime::wire::Stop::Builder out) { out.setGivenUp(true); }));
    });
  }
  for (const Outcome& outcome : outcomes) {
    CHECK(outcome.calls == 1);
    CHECK(outcome.code == Code::unavailable);
  }
}

TEST_CASE("actor: nobody to ask is `unavailable`, from the mailbox and not inside ask") {
  ActorFixture actors;
  Outcome outcome;
  actors.inside(
      [&](Scripted& self) { self.ask<Number, Number>(Handle{}, base::Instant::max(), number(1), outcome.note()); });
  CHECK(outcome.code == Code::unavailable);
}

TEST_CASE("actor: questions beyond the limit of pending ones are `overloaded`") {
  ActorFixture actors(1, {.asks_max = 3});
  std::vector<Reply<Number>> kept;
  const Handle asked = actors.start("asked", keeper(kept));
  std::array<Outcome, 4> outcomes;
  actors.inside([&](Scripted& self) {
    for (Outcome& outcome : outcomes) self.ask<Number, Number>(asked, base::Instant::max(), number(1), outcome.note());
  });
  CHECK(outcomes[2].calls == 0);
  CHECK(outcomes[3].code == Code::overloaded);
  actors.inside([&](Scripted& self) { self.tell<Latest>(asked, number(0)); });
  CHECK(outcomes[0].code == Code::dropped);
}

TEST_CASE("actor: work whose deadline has passed is dropped unrun and counted") {
  ActorFixture actors;
  int ran = 0;
  const Handle asked = actors.start("asked", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) {
      ++ran;
      reply.send(number(1));
    });
  });
  Outcome outcome;
  actors.inside([&](Scripted& self) { self.ask<Number, Number>(asked, self.now(), number(1), outcome.note()); });
  actors.stage.settle();
  CHECK(ran == 0);
  CHECK(actors.node.dead_letters(DeadLetter::expired) == 1);
  actors.stage.run_for(1ns);
  CHECK(outcome.code == Code::timeout);
}

TEST_CASE("actor: describe shows the state between two messages") {
  ActorFixture actors;
  std::uint64_t count = 0;
  const Handle counter = actors.start("counter", [&](Scripted&, Handlers& on) {
    on.tell<Number>([&](Number::Reader more) { count += more.getValue(); });
    on.describe<Number>([&](Number::Builder state) { state.setValue(count); });
  });
  Outcome seen;
  actors.inside([&](Scripted& self) { self.tell<Number>(counter, number(7)); });
  actors.stage.settle();
  actors.inside([&](Scripted& self) {
    self.ask<runtime::wire::Describe, Number>(
        counter, base::Instant::max(), [](auto) {}, seen.note());
  });
  CHECK(seen.value == 7);
}

TEST_CASE("actor: broken pointers in foreign words are the sender's fault and restart nobody") {
  ActorFixture actors;
  int built = 0;
  const Handle reader = actors.start(
      "reader",
      [&](Scripted&, Handlers& on) {
        on.ask<bench::wire::Parcel, Number>([](bench::wire::Parcel::Reader parcel, Reply<Number> reply) {
          reply.send(number(parcel.getData().size()));
        });
      },
      [&](Scripted&) { ++built; });
  auto good = runtime::Envelope::build<bench::wire::Parcel>({}, [](auto out) { out.initData(64); });
  auto words = kj::heapArray<capnp::word>(good.words());
  words.asBytes()[16 + 8 + 3] = 0x7f;  // the list pointer of `data` now points far outside
  runtime::Header head = good.header();
  head.origin = runtime::Origin::foreign;
  Code code{};
  class Probe final : public runtime::Actor {
   public:
    Probe(Handle to, runtime::Envelope question, Code& seen)
        : to_(std::move(to)), question_(std::move(question)), code_(seen) {}
    void receive(Handlers&) override {}
    void start() override {
      request(to_, question_, [this](const runtime::Envelope& answer) { code_ = runtime::read_error(answer).code; });
    }

   private:
    Handle to_;
    runtime::Envelope question_;
    Code& code_;
  };
  const auto bad = runtime::Envelope::from_words(head, words.asPtr());
  actors.node.start("probe", [&] { return std::make_unique<Probe>(reader, bad, code); });
  actors.stage.settle();
  CHECK(code == Code::malformed);
  CHECK(built == 1);
  CHECK(actors.node.dead_letters(DeadLetter::malformed) == 1);
}

TEST_CASE("actor: an answer or a question that is larger than its kind may be is `internal`, and ends no actor") {
  ActorFixture actors;
  const Handle asked = actors.start("asked", [](Scripted&, Handlers& on) {
    on.ask<Parcel, Parcel>([](Parcel::Reader parcel, Reply<Parcel> reply) {
      reply.send([&](Parcel::Builder out) { out.initData(static_cast<unsigned>(parcel.getNumber())); });
    });
  });
  const auto& most = messages::kind_of<Parcel>().bytes_max;
  std::vector<std::optional<Code>> ends;
  const auto ask = [&](std::size_t question, std::size_t answer) {
    actors.inside([&](Scripted& self) {
      self.ask<Parcel, Parcel>(
          asked, self.now() + 1s,
          [&](Parcel::Builder out) {
            out.setNumber(answer);
            out.initData(static_cast<unsigned>(question));
          },
          [&ends](const runtime::Answer<Parcel>& answered) {
            ends.push_back(answered.ok() ? std::nullopt : std::optional(answered.error().code));
          });
    });
    actors.stage.settle();
  };
  ask(1, 1);
  ask(1, most);
  ask(most, 1);
  ask(most - 64, most - 64);
  CHECK(ends == std::vector<std::optional<Code>>{std::nullopt, Code::internal, Code::internal, std::nullopt});
}
