// What is counted about one actor: rates, busy time, the histogram and the head, with all times given by hand.
#include "runtime/actor/record.hpp"

#include <doctest/doctest.h>

#include "messages/bench.capnp.h"
#include "tests/runtime/actor/questions.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Duration;
using base::Instant;
using bench::wire::Latest;
using bench::wire::Number;
using bench::wire::Parcel;
using doctest::Approx;
using runtime::Handle;
using runtime::Handlers;
using runtime::Head;
using runtime::Rates;
using runtime::Record;

namespace {

/// One turn from `at` on.
void turn(Record& record, Instant at, std::uint64_t messages, Duration length) {
  record.begin_turn(at);
  Record::count(record.handled, messages);
  record.end_turn(at + length, length);
}

/// A turn every 100 ms from `from` until before `to`.
void turns_between(Record& record, Instant from, Instant to, std::uint64_t messages, Duration length) {
  for (Instant at = from; at < to; at = at + 100ms) turn(record, at, messages, length);
}

}  // namespace

TEST_CASE("record: one that has done nothing has no rates, no quantile and no head") {
  const Record record;
  for (const Instant now : {Instant(1ms), kStart, Instant(1'000'000h)}) {
    CHECK(record.rates(now).per_second == 0);
    CHECK(record.rates(now).busy == 0);
    CHECK(record.minute(now).per_second == 0);
    CHECK(record.minute(now).busy == 0);
    CHECK(record.head(now).kind == nullptr);
    CHECK(record.head(now).age == 0s);
  }
  CHECK(record.p99() == 0s);
  CHECK(record.depth() == 0);
}

TEST_CASE("record: steady work shows its rate and its busy share at any instant of a window") {
  Record record;
  turns_between(record, kStart, kStart + 10s, 10, 30ms);
  for (const Duration later : {0ms, 1ms, 500ms, 999ms}) {
    const Rates rates = record.rates(kStart + 9'900ms + later);
    CHECK(rates.per_second > 45);  // the end of a window sees up to a second in which nothing has come yet
    CHECK(rates.per_second <= 112);
    CHECK(rates.busy > 0.13);
    CHECK(rates.busy <= 0.34);
  }
  CHECK(record.rates(kStart + 9'900ms).per_second == Approx(100).epsilon(0.1));
  CHECK(record.rates(kStart + 9'900ms).busy == Approx(0.3).epsilon(0.1));
}

TEST_CASE("record: after a silence the last second counts, not what came before it") {
  Record record;
  turns_between(record, kStart, kStart + 5s, 100, 50ms);
  CHECK(record.rates(kStart + 65s).per_second < 20);
  const Instant again = kStart + 100s;
  turn(record, again, 7, 20ms);
  CHECK(record.rates(again + 1ms).per_second == Approx(7).epsilon(0.01));
  CHECK(record.rates(again + 1ms).busy == Approx(0.02).epsilon(0.01));
  CHECK(record.rates(again + 1s).per_second == Approx(7).epsilon(0.01));
  CHECK(record.rates(again + 60s).per_second < 1);
}

TEST_CASE("record: an actor whose handlers take seconds is busy, not silent") {
  Record record;
  Instant at = kStart;
  for (int i = 0; i < 10; ++i, at = at + 5s) turn(record, at, 1, 5s);
  record.begin_turn(at);
  CHECK(record.rates(at).busy == Approx(1.0).epsilon(0.01));
  CHECK(record.rates(at + 500ms).busy > 0.8);
  CHECK(record.rates(at).per_second == Approx(0.2).epsilon(0.01));
}

TEST_CASE("record: whoever looks with an earlier time than the actor's window sees its rate all the same") {
  Record record;
  turns_between(record, kStart, kStart + 10s, 10, 30ms);
  const Instant closes = kStart + 10s;
  turn(record, closes, 10, 30ms);  // it closes a window here
  for (const Duration earlier : {1ms, 5ms, 50ms}) {
    CHECK(record.rates(closes - earlier).per_second == Approx(100).epsilon(0.2));
    CHECK(record.rates(closes - earlier).busy == Approx(0.3).epsilon(0.2));
    CHECK(record.minute(closes - earlier).per_second == Approx(100 * (1 - std::exp(-10.0 / 60))).epsilon(0.05));
  }
}

TEST_CASE("record: the minute follows a change of pace within some minutes, and forgets it as it came") {
  Record record;
  turns_between(record, kStart, kStart + 300s, 10, 50ms);
  CHECK(record.minute(kStart + 300s).per_second == Approx(100).epsilon(0.03));
  CHECK(record.minute(kStart + 300s).busy == Approx(0.5).epsilon(0.03));
  SUBCASE("silence") {
    CHECK(record.minute(kStart + 360s).per_second == Approx(100 / std::exp(1.0)).epsilon(0.05));
    CHECK(record.minute(kStart + 420s).per_second == Approx(100 / std::exp(2.0)).epsilon(0.05));
    CHECK(record.minute(kStart + 900s).per_second < 0.2);
    CHECK(record.minute(kStart + 900s).busy < 0.001);
  }
  SUBCASE("a look does not depend on whether a turn came in between") {
    const Instant later = kStart + 330s;
    const double seen = record.minute(later).per_second;
    record.begin_turn(later);
    CHECK(record.minute(later).per_second == Approx(seen).epsilon(0.001));
  }
  SUBCASE("half the pace") {
    turns_between(record, kStart + 300s, kStart + 600s, 5, 25ms);
    CHECK(record.minute(kStart + 600s).per_second == Approx(50).epsilon(0.03));
    CHECK(record.minute(kStart + 600s).busy == Approx(0.25).epsilon(0.03));
  }
}

TEST_CASE("record: no count that passes 32 bits harms a rate") {
  Record record;
  Instant at = kStart;
  SUBCASE("messages") {
    record.handled = (std::uint64_t{1} << 32) - 250;
    record.begin_turn(at);
  }
  SUBCASE("milliseconds in handlers") {
    record.busy_nanos = ((std::uint64_t{1} << 32) - 700) * 1'000'000;
    record.begin_turn(at);
  }
  SUBCASE("milliseconds of the clock") { at = Instant(std::chrono::milliseconds((std::int64_t{1} << 32) - 2'500)); }
  SUBCASE("milliseconds of the clock, within the last window") {
    at = Instant(std::chrono::milliseconds((std::int64_t{1} << 32) - 4'800));
  }
  const Instant end = at + 5s;
  record.begin_turn(at);
  record.minute_rate = 0;  // of what these counts say has happened before
  record.minute_busy = 0;
  turns_between(record, at, end, 10, 30ms);
  CHECK(record.rates(end).per_second == Approx(100).epsilon(0.15));
  CHECK(record.rates(end).busy == Approx(0.3).epsilon(0.15));
  CHECK(record.minute(end).per_second == Approx(100 * (1 - std::exp(-5.0 / 60))).epsilon(0.1));
}

TEST_CASE("record: an actor whose mailbox is never empty is busy, however long its handlers take") {
  for (const auto handler : {std::chrono::milliseconds(2), 5ms, 20ms, 40ms, 100ms, 1'500ms}) {
    CAPTURE(handler.count());
    Record record;
    Instant at = kStart, began = at;
    record.begin_turn(at);
    for (int message = 1; at - kStart < 30s || message <= 64; ++message) {
      if (at - kStart >= 2s) {
        CHECK(record.rates(at, began).busy >= 0.95);
        CHECK(record.rates(at + handler / 2, began).busy >= 0.95);
        CHECK(record.rates(at, began).per_second == Approx(1s / std::chrono::duration<double>(handler)).epsilon(0.6));
      }
      at = at + handler;
      Record::count(record.handled);
      if (message % 32 != 0) continue;  // what it has done is noted then, and as a turn ends
      record.end_turn(at, at - began);
      record.begin_turn(at);
      began = at;
    }
    CHECK(record.minute(at, began).busy >= (1 - std::exp(-30.0 / 60)) * 0.95);
  }
}

TEST_CASE("record: busy never exceeds the whole time, and no time goes backwards") {
  Record record;
  turn(record, kStart, 1, 10s);  // coarse ticks may say more than has passed
  turn(record, kStart + 1s, 1, 10s);
  CHECK(record.rates(kStart + 1'500ms).busy == 1.0);
  CHECK(record.rates(kStart + 2s).busy == 1.0);
  CHECK(record.minute(kStart + 1'500ms).busy <= 1.0);
  const std::uint64_t before = record.busy_nanos;
  record.end_turn(kStart + 2s, -5ms);
  record.end_turn(kStart + 2s, 0ms);
  CHECK(record.busy_nanos == before);
  record.end_turn(kStart + 2s, 5ms);
  CHECK(record.busy_nanos == before + 5'000'000);
}

TEST_CASE("record: the quantile is the upper end of the bucket that holds it") {
  struct Claim {
    Duration length;
    Duration said;
  };
  for (const Claim claim : {Claim{-1s, 2us}, Claim{0ns, 2us}, Claim{1us, 2us}, Claim{1'999ns, 2us}, Claim{2us, 4us},
                            Claim{1'023us, 1'024us}, Claim{1'024us, 2'048us}, Claim{8'388'607us, 8'388'608us},
                            Claim{8'388'608us, 16'777'216us}, Claim{1h, 16'777'216us}}) {
    Record record;
    record.sample(claim.length);
    CAPTURE(claim.length.count());
    CHECK(record.p99() == claim.said);
  }
}

TEST_CASE("record: one slow handler in 100 is left out, two are not") {
  Record record;
  for (int i = 0; i < 99; ++i) record.sample(10us);
  record.sample(1s);
  CHECK(record.p99() == 16us);
  record.sample(1s);
  CHECK(record.p99() == 1'048'576us);
}

TEST_CASE("record: a full bucket halves all of them, so that the quantile follows what is now") {
  Record record;
  for (int i = 0; i < 255; ++i) record.sample(10us);
  for (int i = 0; i < 20; ++i) record.sample(1ms);
  CHECK(record.histogram[3] == 255);
  CHECK(record.histogram[9] == 20);
  record.sample(10us);
  CHECK(record.histogram[3] == 128);
  CHECK(record.histogram[9] == 10);
  CHECK(record.p99() == 1'024us);
  for (int i = 0; i < 2'000; ++i) record.sample(10us);
  CHECK(record.histogram[9] == 0);
  CHECK(record.p99() == 16us);
  for (int i = 0; i < 100'000; ++i) record.sample(std::chrono::microseconds(i));
  std::uint32_t all = 0;
  for (const auto& bucket : record.histogram) all += bucket;
  CHECK(all <= 255 * Record::kBuckets);
}

TEST_CASE("record: the head is the message marked, until that one was handled") {
  Record record;
  record.received = 3;
  record.mark(0, kStart, &messages::kind_of<Number>(), 77);
  CHECK(record.head(kStart + 3s).kind == &messages::kind_of<Number>());
  CHECK(record.head(kStart + 3s).from == 77);
  CHECK(record.head(kStart + 3s).age == 3s);
  CHECK(record.head(kStart - 3ms).age == 0s);  // the coarse clock may be behind
  record.handled = 1;
  CHECK(record.head(kStart + 3s).kind == nullptr);
  CHECK(record.head(kStart + 3s).from == 0);
  CHECK(record.head(kStart + 3s).age == 0s);
  record.mark(2, kStart + 2s, &messages::kind_of<Latest>(), 0);
  CHECK(record.head(kStart + 3s).kind == &messages::kind_of<Latest>());
  CHECK(record.head(kStart + 3s).age == 1s);
  record.handled = 3;
  CHECK(record.head(kStart + 3s).kind == nullptr);
}

TEST_CASE("record: a message that waits behind others shows at the head, until its actor has drained") {
  ActorFixture actors;
  std::uint64_t handled = 0;
  const Handle listener = actors.start("listener", [&](Scripted&, Handlers& on) {
    on.tell<Number>([&](Number::Reader) { ++handled; });
    on.tell<Parcel>([&](Parcel::Reader) { ++handled; });
  });
  actors.stage.settle();
  const auto record = actors.record("/listener");
  const auto tell = [&](auto envelope) {
    listener->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(envelope)), nullptr);
  };
  for (int round = 0; round < 3; ++round) {
    actors.stage.park(listener.id());
    tell(runtime::Envelope::build<Parcel>({}, [](auto) {}));
    actors.stage.run_for(2s);
    for (int i = 0; i < 40; ++i) tell(runtime::Envelope::build<Number>({}, number(1)));
    actors.stage.run_for(1s);
    const Instant now = actors.node.world().clock.now();
    CHECK(record->depth() == 41);
    CHECK(record->head(now).kind == &messages::kind_of<Parcel>());
    CHECK(record->head(now).age == 3s);
    actors.stage.unpark(listener.id());
    actors.stage.settle();
    CHECK(record->depth() == 0);
    CHECK(record->head(now).kind == nullptr);
    CHECK(record->head(now).age == 0s);
  }
  CHECK(handled == 3 * 41);
}

TEST_CASE("record: a message refused at the limit never stands at the head") {
  ActorFixture actors(1, {.mailbox_max = 2});
  const Handle listener = actors.start("listener", [](Scripted&, Handlers& on) { on.tell<Number>([](auto) {}); });
  actors.stage.settle();
  const auto record = actors.record("/listener");
  actors.stage.park(listener.id());
  for (int i = 0; i < 5; ++i)
    listener->enqueue(
        caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, runtime::Envelope::build<Number>({}, number(1))),
        nullptr);
  CHECK(record->depth() == 2);
  CHECK(record->refused_full == 3);
  CHECK(record->mark_number == 0);
  actors.stage.unpark(listener.id());
  actors.stage.settle();
  CHECK(record->depth() == 0);
  CHECK(record->head(actors.node.world().clock.now()).kind == nullptr);
}

TEST_CASE("record: what an actor asks and is answered is counted while it waits and after") {
  ActorFixture actors;
  std::vector<runtime::Reply<Number>> kept;
  const Handle keeper_of_all = actors.start("keeper", keeper(kept));
  std::array<Outcome, 3> outcomes;
  actors.inside([&](Scripted& self) {
    for (auto& outcome : outcomes) self.ask<Number, Number>(keeper_of_all, Instant::max(), number(1), outcome.note());
  });
  const auto outside = actors.record("/outside");
  CHECK(outside->asking == 3);
  CHECK(outside->answers == 0);
  actors.inside([&](Scripted& self) { self.tell<Latest>(keeper_of_all, number(5)); });
  CHECK(outside->asking == 0);
  CHECK(outside->answers == 3);
}
