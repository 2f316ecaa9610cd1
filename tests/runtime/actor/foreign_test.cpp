// What actors make of messages that nobody of this node would send.
#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "tests/runtime/actor/foreign_actor.hpp"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using base::Error;
using base::Result;
using bench::wire::Number;
using bench::wire::Order;
using bench::wire::Parcel;
using runtime::AnyReply;
using runtime::DeadLetter;
using runtime::Envelope;
using runtime::Handle;
using runtime::Handlers;
using runtime::Header;
using runtime::Intake;
using runtime::Origin;
using runtime::Reply;
using runtime::Signal;

namespace {

/// The envelope as it comes over a link, with one byte of its words set anew.
Envelope spoilt(const Envelope& good, std::size_t place, std::uint8_t byte) {
  auto words = kj::heapArray<capnp::word>(good.words());
  words.asBytes()[place] = byte;
  Header head = good.header();
  head.origin = Origin::foreign;
  return Envelope::from_words(head, words);
}

constexpr std::size_t kRootPointer = 8;   // behind the segment table
constexpr std::size_t kDataPointer = 24;  // of a parcel: behind the root pointer and its number
constexpr std::uint8_t kFarAway = 0x7f;   // in the last byte of an offset, or of a length

}  // namespace

TEST_CASE("actor: only the first message of a conversation can be one of the runtime's own") {
  ActorFixture actors;
  ForeignActor stranger(actors, {}, messages::Role::operate);
  const Handle actor = actors.start(
      "actor", [](Scripted&, Handlers& on) { on.describe<Number>([](Number::Builder state) { state.setValue(7); }); });
  const auto describe = [&](Signal signal) {
    const Header head{.signal = signal, .origin = Origin::foreign};
    return stranger.ask(actor, Envelope::build<runtime::wire::Describe>(head, [](auto) {}));
  };
  CHECK(describe(Signal::message));
  CHECK_FALSE(describe(Signal::item));
  CHECK_FALSE(describe(Signal::end));
}

TEST_CASE("actor: a question that comes after its deadline is answered `timeout`, unrun") {
  ActorFixture actors;
  ForeignActor stranger(actors, {}, messages::Role::peer);
  int ran = 0;
  const Handle actor = actors.start("actor", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) {
      ++ran;
      reply.done();
    });
  });
  const Header due_now{.due = actors.ports.clock().now(), .origin = Origin::foreign};
  const Envelope answer = stranger.ask(actor, Envelope::build<Number>(due_now, number(1)));
  REQUIRE(answer);
  CHECK(runtime::read_error(answer).code == Code::timeout);
  CHECK(ran == 0);
  CHECK(actors.node.dead_letters(DeadLetter::expired) == 1);
}

TEST_CASE("actor: a question whose root cannot be read is answered `malformed`, whatever answers it") {
  ActorFixture actors;
  ForeignActor stranger(actors, {}, messages::Role::peer);
  int starts = 0, handled = 0;
  const Handle actor = actors.start(
      "actor",
      [&](Scripted&, Handlers& on) {
        on.ask<Number, Number>([&](Number::Reader, Reply<Number>) { ++handled; });
        on.stream<Order, Parcel>([&](Order::Reader, runtime::Sink<Parcel>) { ++handled; });
        on.intake<Parcel, Parcel, Number>([&](Parcel::Reader, Intake<Parcel, Number>) { ++handled; });
      },
      [&](Scripted&) { ++starts; });
  Envelope answer;
  const auto ask_spoilt = [&](const Envelope& good) {
    answer = stranger.ask(actor, spoilt(good, kRootPointer + 3, kFarAway));
  };
  SUBCASE("a reply") { ask_spoilt(Envelope::build<Number>({}, number(1))); }
  SUBCASE("a stream") {
    ask_spoilt(Envelope::build<Order>({.signal = Signal::open}, [](auto) {}));
  }
  SUBCASE("an intake") {
    ask_spoilt(Envelope::build<Parcel>({.signal = Signal::open}, [](auto) {}));
  }
  REQUIRE(answer);
  CHECK(runtime::read_error(answer).code == Code::malformed);
  CHECK(actors.node.dead_letters(DeadLetter::malformed) == 1);
  CHECK(handled == 0);
  CHECK(starts == 1);
}

TEST_CASE("stream: an item that breaks its schema ends the stream, and its reader goes on") {
  ActorFixture actors;
  ForeignActor stranger(actors, {}, messages::Role::peer);
  Intake<Parcel, Number> intake;
  int starts = 0, items = 0;
  std::optional<Code> ended;
  const Handle store = actors.start(
      "store",
      [&](Scripted& self, Handlers& on) {
        successor(self, on);
        on.intake<Order, Parcel, Number>([&](Order::Reader, Intake<Parcel, Number> opened) {
          intake = std::move(opened);
          intake.on_item([&](Parcel::Reader parcel) { items += parcel.getData().size() == 64; });
          intake.on_end([&](Result<void, Error> end) { ended = end.error().code; });
        });
      },
      [&](Scripted&) { ++starts; });
  const Header item{.signal = Signal::item, .origin = Origin::foreign};
  const auto parcel = Envelope::build<Parcel>(item, [](Parcel::Builder out) { out.initData(64); });
  stranger.ask(store, Envelope::build<Order>({.signal = Signal::open, .origin = Origin::foreign}, [](auto) {}));
  stranger.follow(store, parcel);
  REQUIRE(items == 1);
  Envelope answer;
  SUBCASE("broken pointers") { answer = stranger.follow(store, spoilt(parcel, kDataPointer + 3, kFarAway)); }
  SUBCASE("a broken root") { answer = stranger.follow(store, spoilt(parcel, kRootPointer + 3, kFarAway)); }
  SUBCASE("another kind") { answer = stranger.follow(store, Envelope::build<Number>(item, number(1))); }
  CHECK(ended == Code::malformed);
  REQUIRE(answer);
  CHECK(answer.header().signal == Signal::cancel);
  CHECK(items == 1);
  Outcome still;
  actors.inside([&](Scripted& self) { self.ask<Number, Number>(store, self.now() + 1s, number(1), still.note()); });
  CHECK(still.value == 2);
  CHECK(starts == 1);
}

TEST_CASE("actor: a question whose handler catches that it cannot be read is answered `malformed`") {
  ActorFixture actors;
  ForeignActor stranger(actors, {}, messages::Role::peer);
  const Handle actor = actors.start("actor", [&](Scripted&, Handlers& on) {
    on.other([](const Envelope& question, AnyReply reply) {
      try {
        const AnyReply taken = std::move(reply);  // goes with what is thrown
        Envelope::Reading<Number> reading(question);
        (void)reading.root().getValue();
      } catch (const kj::Exception&) {
        reply.refuse({Code::internal, "never said"});
      }
    });
  });
  const Envelope answer =
      stranger.ask(actor, spoilt(Envelope::build<Number>({}, number(1)), kRootPointer + 3, kFarAway));
  REQUIRE(answer);
  CHECK(runtime::read_error(answer).code == Code::malformed);
}

TEST_CASE("actor: who asks through another actor of this node is the caller behind it, also where the question waits") {
  ActorFixture actors;
  const base::NodeId id{{7}};
  ForeignActor stranger(actors, id, messages::Role::peer, base::Endpoint::parse("192.0.2.7:1"));
  std::vector<runtime::Caller> seen;
  const Handle last = actors.start("last", [&](Scripted& self, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) {
      seen.push_back(self.caller());
      reply.send(number(9));
    });
  });
  const auto passes_to = [&](std::string name, const Handle& next) {
    return actors.start(std::move(name), [next](Scripted& self, Handlers& on) {
      on.other([&self, next](const Envelope& question, AnyReply reply) {
        self.request_for(self.caller(), next, question,
                         [reply = std::move(reply)](const Envelope& answer) mutable { reply.forward(answer); });
      });
    });
  };
  const Handle middle = passes_to("middle", last);
  const Handle first = passes_to("first", middle);
  const Handle itself = actors.start("itself", [&](Scripted& self, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) {
      self.ask<Number, Number>(middle, self.now() + 1s, number(2),
                               [reply = std::move(reply)](const runtime::Answer<Number>&) mutable { reply.done(); });
    });
  });
  const auto ask = [&](const Handle& actor) { return stranger.ask<Number>(actor, number(1)); };
  REQUIRE(ask(first));
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].role == messages::Role::peer);
  CHECK(seen[0].node == id);
  CHECK(seen[0].at == base::Endpoint::parse("192.0.2.7:1"));
  REQUIRE(ask(itself));
  CHECK(seen[1].role == messages::Role::inside);

  actors.inside(
      [&](Scripted& self) { self.tell<runtime::wire::Hold>(last, [](auto out) { out.setMilliseconds(1'000); }); });
  CHECK_FALSE(ask(first));
  actors.stage.run_for(2s);
  REQUIRE(seen.size() == 3);
  CHECK(seen[2].node == id);
}
