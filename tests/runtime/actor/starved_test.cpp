// Since when a stream that an actor writes lacks credit: said in its record while it is so, and no longer.
#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "runtime/actor/stream_end.hpp"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Instant;
using bench::wire::Latest;
using bench::wire::Number;
using bench::wire::Order;
using bench::wire::Parcel;
using runtime::Handle;
using runtime::Handlers;
using runtime::Sink;
using runtime::Subscription;

namespace {

std::uint32_t milliseconds(Instant at) { return static_cast<std::uint32_t>(at.since_origin().count() / 1'000'000); }

/// Writes as much as it may into each stream asked for, and more when it is told a number: zero breaks it, one ends
/// the streams, two drops them, others write on.
struct Writer {
  std::vector<Sink<Parcel>> sinks;

  void write() {
    for (auto& sink : sinks)
      while (sink.ready()) sink.push([](auto) {});
  }
  Scripted::Receive receive() {
    return [this](Scripted&, Handlers& on) {
      sinks.clear();
      on.stream<Order, Parcel>([this](Order::Reader wanted, Sink<Parcel> sink) {
        sinks.push_back(std::move(sink));
        if (wanted.getCount() > 0) write();
      });
      on.tell<Number>([this](Number::Reader told) {
        if (told.getValue() == 0) throw std::runtime_error("broke");
        if (told.getValue() == 1)
          for (auto& sink : sinks) sink.end();
        if (told.getValue() <= 2) sinks.clear();
        write();
      });
    };
  }
};

struct Scene {
  ActorFixture actors;
  Writer writer;
  Handle parent, whom;
  std::array<Subscription, 2> readers;

  Scene() {
    parent =
        actors.start("parent", {}, [this](Scripted& self) { whom = self.spawn("writer", script(writer.receive())); });
    actors.stage.settle();
  }
  ~Scene() {
    inside([this](Scripted&) { readers = {}; });
  }
  void inside(std::function<void(Scripted&)> what) { actors.inside(std::move(what)); }
  void tell(std::uint64_t value) {
    inside([&](Scripted& self) { self.tell<Number>(whom, number(value)); });
  }
  /// A reader that takes what it was granted at first, and grants no more.
  void read(std::size_t place, base::Duration idle = 1h) {
    inside([&](Scripted& self) {
      readers[place] = self.subscribe<Order, Parcel>(
          whom, idle, [](Order::Builder out) { out.setCount(1); }, [](Parcel::Reader) {},
          [](base::Result<void, base::Error>) {});
      readers[place].pause();
    });
  }
  std::shared_ptr<const runtime::Record> record() { return actors.record("/writer"); }
  std::uint32_t now() { return milliseconds(actors.node.world().clock.now()); }
};

}  // namespace

TEST_CASE("starved: a writer says since when it lacks credit, until it has some or the stream is over") {
  Scene scene;
  CHECK(scene.record()->starved_ms == 0);
  scene.actors.stage.run_for(1s);
  const std::uint32_t began = scene.now();
  scene.read(0);
  const auto record = scene.record();
  scene.actors.stage.run_for(3s);
  const std::uint32_t since = record->starved_ms;
  CHECK(since != 0);
  CHECK(record->starved(scene.actors.node.world().clock.now()) == 3s);
  CHECK(record->starved(scene.actors.node.world().clock.now() - 3001ms) == 0s);  // a look that began before
  CHECK(began - since <= 1);  // never later than it was: whoever subtracts would see it wrap

  SUBCASE("credit") {
    scene.inside([&](Scripted&) { scene.readers[0].resume(); });
    CHECK(record->starved_ms == 0);
    SUBCASE("which is spent again") {
      scene.actors.stage.run_for(2s);
      scene.inside([&](Scripted&) { scene.readers[0].pause(); });
      scene.tell(9);
      CHECK(scene.now() - record->starved_ms <= 1);
    }
  }
  SUBCASE("the writer ends it") {
    scene.tell(1);
    CHECK(record->starved_ms == 0);
  }
  SUBCASE("the writer drops it") {
    scene.tell(2);
    CHECK(record->starved_ms == 0);
  }
  SUBCASE("the reader cancels") {
    scene.inside([&](Scripted&) { scene.readers[0].cancel(); });
    CHECK(record->starved_ms == 0);
  }
  SUBCASE("the writer breaks") {
    scene.tell(0);
    CHECK(record->starved_ms == 0);
    scene.actors.stage.run_for(5s);
    CHECK(record->restarts == 1);
    CHECK(record->starved_ms == 0);
    SUBCASE("and starves again in its next life") {
      scene.read(1);
      CHECK(scene.now() - record->starved_ms <= 1);
    }
  }
  SUBCASE("the writer is stopped") {
    scene.inside([&](Scripted& self) {
      self.send(scene.parent, runtime::Envelope::build<runtime::wire::Stop>({}, [](auto) {}));
    });
    CHECK(scene.record() == nullptr);
    CHECK(record->starved_ms == 0);
  }
}

TEST_CASE("starved: it ends with the idle time-out of the reader") {
  Scene scene;
  scene.read(0, 10s);
  CHECK(scene.record()->starved_ms != 0);
  scene.actors.stage.run_for(11s);
  CHECK(scene.record()->starved_ms == 0);
}

TEST_CASE("starved: of several streams the one that has lacked credit for longest counts") {
  Scene scene;
  scene.actors.stage.run_for(1s);
  const std::uint32_t first = scene.now();
  scene.read(0);
  scene.actors.stage.run_for(2s);
  const std::uint32_t second = scene.now();
  scene.read(1);
  const auto record = scene.record();
  CHECK(first - record->starved_ms <= 1);
  SUBCASE("the later one is over first") {
    scene.inside([&](Scripted&) { scene.readers[1].cancel(); });
    CHECK(first - record->starved_ms <= 1);
  }
  SUBCASE("the earlier one is over first") {
    scene.inside([&](Scripted&) { scene.readers[0].cancel(); });
    CHECK(second - record->starved_ms <= 1);
    scene.inside([&](Scripted&) { scene.readers[1].resume(); });
    CHECK(record->starved_ms == 0);
  }
}

TEST_CASE("starved: the writer of an intake starves as well, and a reader never does") {
  ActorFixture actors;
  std::optional<runtime::Intake<Parcel, Number>> intake;
  const Handle reader = actors.start("reader", [&](Scripted&, Handlers& on) {
    on.intake<Order, Parcel, Number>([&](Order::Reader, runtime::Intake<Parcel, Number> given) {
      intake.emplace(std::move(given));
      intake->on_item([](Parcel::Reader) {});
      intake->pause();
    });
  });
  std::optional<Sink<Parcel>> sink;
  const auto write = [&] {
    while (sink->ready()) sink->push([](auto) {});
  };
  actors.inside([&](Scripted& self) {
    sink.emplace(self.feed<Order, Parcel, Number>(
        reader, 1h, [](auto) {}, [](const runtime::Answer<Number>&) {}));
    sink->on_ready(write);
  });
  const auto record = actors.record("/outside");
  CHECK(record->starved_ms != 0);
  CHECK(actors.record("/reader")->starved_ms == 0);
  SUBCASE("it ends what it writes") {
    actors.inside([&](Scripted&) { sink->end(); });
    CHECK(record->starved_ms == 0);
  }
  SUBCASE("the reader answers before its end") {
    actors.inside([&](Scripted&) { intake->reply(number(1)); });
    CHECK(record->starved_ms == 0);
  }
  sink.reset();
  intake.reset();
  actors.stage.settle();
}
