// How a stream ends, and what its end leaves alone.
#include <doctest/doctest.h>

#include "messages/bench.capnp.h"
#include "runtime/actor/stream_end.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/runtime/actor/foreign_actor.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using base::Error;
using base::Result;
using bench::wire::Number;
using bench::wire::Order;
using bench::wire::Parcel;
using runtime::Handle;
using runtime::Handlers;
using runtime::Sink;
using runtime::Subscription;

namespace {

const auto no_fill = [](auto) {};
const auto no_item = [](Parcel::Reader) {};
const auto no_end = [](Result<void, Error>) {};

/// Keeps the sinks of all streams that it is asked for, and writes nothing into them.
struct Shop {
  std::vector<Sink<Parcel>> sinks;
  int cancelled = 0;

  Scripted::Receive receive() {
    return [this](Scripted&, Handlers& on) {
      on.stream<Order, Parcel>([this](Order::Reader, Sink<Parcel> sink) {
        sink.on_cancel([this] { ++cancelled; });
        sinks.push_back(std::move(sink));
      });
    };
  }
};

}  // namespace

TEST_CASE("stream: its end leaves other ties to the same actor alone") {
  ActorFixture actors;
  Shop shop;
  const Handle seller = actors.start("shop", shop.receive());
  Subscription first, second;
  int downs = 0;
  std::vector<Code> ends;
  const auto note_end = [&](Result<void, Error> end) { ends.push_back(end.error().code); };
  actors.inside([&](Scripted& self) {
    self.on_down = [&](const Handle& whom, const std::optional<Error>&) { downs += whom == seller; };
    self.watch(seller);
    first = self.subscribe<Order, Parcel>(seller, 60s, no_fill, no_item, no_end);
    second = self.subscribe<Order, Parcel>(seller, 60s, no_fill, no_item, note_end);
  });
  actors.inside([&](Scripted&) { first.cancel(); });
  CHECK(shop.cancelled == 1);
  SUBCASE("the watch fires and the other stream breaks") {
    caf::anon_send_exit(seller, caf::exit_reason::kill);
    actors.stage.settle();
    CHECK(downs == 1);
    CHECK(ends == std::vector<Code>{Code::unavailable});
  }
  SUBCASE("without the watch the other stream breaks all the same") {
    actors.inside([&](Scripted& self) { self.unwatch(seller); });
    caf::anon_send_exit(seller, caf::exit_reason::kill);
    actors.stage.settle();
    CHECK(downs == 0);
    CHECK(ends == std::vector<Code>{Code::unavailable});
  }
}

TEST_CASE("stream: it is not idle as long as an item comes now and then") {
  struct Tick {};
  ActorFixture actors;
  Sink<Parcel> out;
  // Once a minute: the window of credit lasts longer than either side would wait for something to move.
  static_assert(runtime::kStreamWindow.items / 2 * 1min > runtime::kServedIdle);
  const Handle shop = actors.start("shop", [&](Scripted& self, Handlers& on) {
    on.stream<Order, Parcel>([&](Order::Reader, Sink<Parcel> sink) {
      out = std::move(sink);
      self.after<Tick>(1min);
    });
    on.timer<Tick>([&] {
      out.push(no_fill);
      self.after<Tick>(1min);
    });
  });
  Subscription subscription;
  int items = 0, ends = 0;
  actors.inside([&](Scripted& self) {
    subscription = self.subscribe<Order, Parcel>(
        shop, 5min, no_fill, [&](Parcel::Reader) { ++items; }, [&](Result<void, Error>) { ++ends; });
  });
  actors.stage.run_for(200min);
  CHECK(items == 200);
  CHECK(ends == 0);
}

TEST_CASE("stream: a callback that cancels its own subscription may go on") {
  /// Notes when the callback that holds it is destroyed.
  struct Held {
    explicit Held(bool& gone_flag) : gone(&gone_flag) {}
    Held(Held&& other) noexcept : gone(std::exchange(other.gone, nullptr)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (gone != nullptr) *gone = true;
    }
    bool* gone;
  };
  ActorFixture actors;
  Sink<Parcel> out;
  const Handle shop = actors.start("shop", [&](Scripted&, Handlers& on) {
    on.stream<Order, Parcel>([&](Order::Reader, Sink<Parcel> sink) {
      out = std::move(sink);
      out.push(no_fill);
      out.push(no_fill);
    });
  });
  Subscription subscription;
  int items = 0;
  bool gone = false, gone_while_running = false;
  actors.inside([&](Scripted& self) {
    auto take = [&, held = Held(gone)](Parcel::Reader) {
      ++items;
      subscription.cancel();
      gone_while_running = gone;
    };
    subscription = self.subscribe<Order, Parcel>(shop, 60s, no_fill, std::move(take), no_end);
  });
  CHECK(items == 1);
  CHECK_FALSE(gone_while_running);
  CHECK(gone);
}

TEST_CASE("stream: when a callback throws, those of other streams do not run without their object") {
  /// Says whether the object that holds it lives.
  struct Life {
    explicit Life(bool& alive_flag) : alive(alive_flag) { alive = true; }
    ~Life() { alive = false; }
    bool& alive;
  };
  ActorFixture actors;
  Shop shop;
  const Handle seller = actors.start("shop", shop.receive());
  bool alive = false, called_dead = false;
  int calls = 0;
  std::array<Subscription, 3> subscriptions;
  Handle child;
  const auto break_once = [&](Result<void, Error>) {
    ++calls;
    if (!alive) called_dead = true;
    throw std::runtime_error("the end is too much for it");
  };
  const auto make_child = [&] {
    const auto life = std::make_shared<Life>(alive);
    return std::make_unique<Scripted>([life](Scripted&, Handlers&) {},
                                      [&, life](Scripted& self) {
                                        if (calls > 0) return;
                                        for (Subscription& one : subscriptions)
                                          one =
                                              self.subscribe<Order, Parcel>(seller, 600s, no_fill, no_item, break_once);
                                      });
  };
  actors.start("parent", {}, [&](Scripted& parent) { child = parent.spawn("child", make_child); });
  actors.stage.settle();
  REQUIRE(shop.sinks.size() == 3);
  // The end of the writer as one message: as the end of a link tells it, without an error for each stream before.
  caf::anon_send(child, caf::down_msg{seller.address(), caf::exit_reason::kill});
  actors.stage.settle();
  CHECK(calls == 1);
  CHECK_FALSE(called_dead);
}

TEST_CASE("stream: those beyond the limit are refused `overloaded` unserved, until another has ended") {
  ActorFixture actors(1, {.streams_max = 2});
  Shop shop;
  const Handle seller = actors.start("shop", shop.receive());
  std::array<Subscription, 4> subscriptions;
  std::array<std::optional<Code>, 4> ends;
  const auto subscribe = [&](std::size_t which) {
    actors.inside([&, which](Scripted& self) {
      subscriptions[which] = self.subscribe<Order, Parcel>(
          seller, 60s, no_fill, no_item, [&, which](Result<void, Error> end) { ends[which] = end.error().code; });
    });
  };
  for (const std::size_t which : {0, 1, 2}) subscribe(which);
  CHECK(shop.sinks.size() == 2);
  CHECK_FALSE(ends[1].has_value());
  CHECK(ends[2] == Code::overloaded);
  actors.inside([&](Scripted&) { subscriptions[0].cancel(); });
  subscribe(3);
  CHECK(shop.sinks.size() == 3);
  CHECK_FALSE(ends[3].has_value());
}

TEST_CASE("stream: one that has nobody on its other side ends as a question does, and never inside the call") {
  ActorFixture actors;
  std::vector<Code> ends;
  Subscription reads;
  Sink<Parcel> writes;
  bool inside = true;
  actors.inside([&](Scripted& self) {
    reads = self.subscribe<Order, Parcel>({}, 60s, no_fill, no_item, [&](Result<void, Error> end) {
      CHECK_FALSE(inside);
      ends.push_back(end.error().code);
    });
    writes = self.feed<Order, Parcel, Number>({}, 60s, no_fill, [&](const runtime::Answer<Number>& answer) {
      CHECK_FALSE(inside);
      ends.push_back(answer.error().code);
    });
    CHECK_FALSE(writes.ready());
    inside = false;
  });
  CHECK(ends == std::vector{Code::unavailable, Code::unavailable});
  actors.stage.run_for(120s);
  CHECK(ends.size() == 2);
  CHECK(actors.record("/outside")->restarts == 0);
}

TEST_CASE("stream: one that is given up before it could end calls nobody") {
  ActorFixture actors;
  int ended = 0;
  actors.inside([&](Scripted& self) {
    Subscription reads =
        self.subscribe<Order, Parcel>({}, 60s, no_fill, no_item, [&](const Result<void, Error>&) { ++ended; });
    Sink<Parcel> writes =
        self.feed<Order, Parcel, Number>({}, 60s, no_fill, [&](const runtime::Answer<Number>&) { ++ended; });
    reads.cancel();
  });
  actors.stage.run_for(120s);
  CHECK(ended == 0);
  CHECK(actors.record("/outside")->restarts == 0);
}

TEST_CASE("stream: above the limit of questions it is `overloaded`, and the actor goes on") {
  runtime::NodeLimits limits;
  limits.asks_max = 2;
  ActorFixture actors(1, limits);
  Shop shop;
  const Handle seller = actors.start("shop", shop.receive());
  std::vector<Subscription> all;
  std::vector<Code> ends;
  actors.inside([&](Scripted& self) {
    for (int i = 0; i < 3; ++i)
      all.push_back(self.subscribe<Order, Parcel>(seller, 60s, no_fill, no_item,
                                                  [&](Result<void, Error> end) { ends.push_back(end.error().code); }));
  });
  CHECK(ends == std::vector{Code::overloaded});
  CHECK(shop.sinks.size() == 2);
  CHECK(actors.record("/outside")->restarts == 0);
  actors.inside([&](Scripted&) { all.clear(); });
}

TEST_CASE("stream: a reader on another node that ends it with an error has cancelled it, and its END says nothing") {
  ActorFixture actors;
  Shop shop;
  const Handle seller = actors.start("shop", shop.receive());
  ForeignActor reader(actors, base::NodeId{{7}}, messages::Role::peer);
  const runtime::Header opens{.signal = runtime::Signal::open};
  reader.ask(seller, runtime::Envelope::build<Order>(opens, no_fill));
  REQUIRE(shop.sinks.size() == 1);
  SUBCASE("an error") {
    reader.follow(seller, runtime::error_envelope({Code::internal, "have done with it"}));
    CHECK(shop.cancelled == 1);
  }
  SUBCASE("an END: the stream is idle as before") {
    reader.follow(seller, runtime::Envelope::build<Order>({.signal = runtime::Signal::end}, no_fill));
    CHECK(shop.cancelled == 0);
    actors.stage.run_for(runtime::kServedIdle + 1s);
    CHECK(shop.cancelled == 1);
  }
}
