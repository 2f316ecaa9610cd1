#include <doctest/doctest.h>

#include <numeric>

#include "messages/bench.capnp.h"
#include "runtime/actor/stream_end.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using base::Error;
using base::Result;
using bench::wire::Latest;
using bench::wire::Number;
using bench::wire::Order;
using bench::wire::Parcel;
using runtime::Answer;
using runtime::Handle;
using runtime::Handlers;
using runtime::Intake;
using runtime::Sink;
using runtime::Subscription;

namespace {

auto order(std::uint64_t count, std::uint32_t bytes) {
  return [=](Order::Builder out) {
    out.setCount(count);
    out.setBytes(bytes);
  };
}

/// Answers an order with its parcels, as fast as it is granted; notes how far it ran ahead of the reader.
struct OpenShop {
  std::uint64_t sent = 0;
  int cancelled = 0;

  void fill(const std::shared_ptr<Sink<Parcel>>& sink, std::uint64_t count, std::uint32_t bytes,
            std::uint64_t from = 0) {
    bool more = sink->ready();
    while (from < count && more) {
      more = sink->push([&](Parcel::Builder out) {
        out.setNumber(from);
        out.initData(bytes);
      });
      ++from;
      ++sent;
    }
    if (from == count) return sink->end();
    sink->on_ready([=, this] { fill(sink, count, bytes, from); });
  }
  Scripted::Receive receive() {
    return [this](Scripted&, Handlers& on) {
      on.stream<Order, Parcel>([this](Order::Reader wanted, Sink<Parcel> given) {
        auto sink = std::make_shared<Sink<Parcel>>(std::move(given));
        sink->on_cancel([this] { ++cancelled; });
        fill(sink, wanted.getCount(), wanted.getBytes());
      });
      on.tell<Number>([](Number::Reader) { throw std::runtime_error("closed"); });
    };
  }
};

struct Basket {
  std::vector<std::uint64_t> numbers;
  int ends = 0;
  std::optional<Code> error;
  Subscription subscription;

  void fetch(Scripted& self, const Handle& from, std::uint64_t count, std::uint32_t bytes) {
    subscription = self.subscribe<Order, Parcel>(
        from, 60s, order(count, bytes), [this](Parcel::Reader parcel) { numbers.push_back(parcel.getNumber()); },
        [this](Result<void, Error> ended) {
          ++ends;
          if (!ended.ok()) error = ended.error().code;
        });
  }
  bool complete(std::uint64_t count) const {
    std::vector<std::uint64_t> all(count);
    std::iota(all.begin(), all.end(), 0);
    return numbers == all && ends == 1 && !error;
  }
};

}  // namespace

TEST_CASE("stream: all items arrive in order, then one end") {
  for (const std::uint64_t count : {0, 1, 64, 65, 5000}) {
    ActorFixture actors;
    OpenShop shop;
    Basket basket;
    const Handle seller = actors.start("shop", shop.receive());
    actors.inside([&](Scripted& self) { basket.fetch(self, seller, count, 100); });
    CHECK(basket.complete(count));
    basket.subscription = {};
  }
}

TEST_CASE("stream: a paused reader bounds what its writer sends, in items and in bytes") {
  for (const std::uint32_t bytes : {10u, 500'000u}) {
    ActorFixture actors;
    OpenShop shop;
    Basket basket;
    const Handle seller = actors.start("shop", shop.receive());
    actors.inside([&](Scripted& self) {
      basket.fetch(self, seller, 1000, bytes);
      basket.subscription.pause();
    });
    actors.stage.run_for(1s);
    CHECK(shop.sent <= runtime::kStreamWindow.items);
    CHECK((shop.sent - 1) * bytes <= runtime::kStreamWindow.bytes);
    CHECK(basket.ends == 0);
    actors.inside([&](Scripted& self) {
      static_cast<void>(self);
      basket.subscription.resume();
    });
    basket.subscription = {};
  }
}

TEST_CASE("stream: who keeps items for another may grant less than a window") {
  constexpr runtime::logic::Credit kFew{4, 3'000};
  for (const std::uint32_t bytes : {10u, 1'000u}) {
    ActorFixture actors;
    OpenShop shop;
    const Handle seller = actors.start("shop", shop.receive());
    Subscription subscription;
    std::size_t came = 0;
    bool complete = false;
    actors.inside([&](Scripted& self) {
      subscription = self.subscribe_raw<Order>(
          seller, 60s, order(100, bytes), [&](const runtime::Envelope&) { ++came; },
          [&](Result<void, Error> ended) { complete = ended.ok(); }, kFew);
      subscription.pause();
    });
    actors.stage.run_for(1s);
    CHECK(shop.sent <= kFew.items);
    CHECK((shop.sent - 1) * bytes <= kFew.bytes);
    actors.inside([&](Scripted&) { subscription.resume(); });
    actors.stage.run_for(1s);
    CHECK(came == 100);
    CHECK(complete);
    subscription = {};
  }
}

TEST_CASE("stream: a reader that cancels stops its writer, and hears nothing more") {
  ActorFixture actors;
  OpenShop shop;
  Basket basket;
  const Handle seller = actors.start("shop", shop.receive());
  actors.inside([&](Scripted& self) {
    basket.fetch(self, seller, 1'000'000, 10);
    basket.subscription.cancel();
  });
  CHECK(shop.cancelled == 1);
  CHECK(shop.sent <= runtime::kStreamWindow.items);
  CHECK(basket.ends == 0);
}

TEST_CASE("stream: it ends with an error when the writer breaks or ends") {
  ActorFixture actors;
  OpenShop shop;
  Basket basket;
  Handle seller;
  actors.start("parent", {}, [&](Scripted& parent) { seller = parent.spawn("shop", script(shop.receive())); });
  actors.stage.settle();
  actors.inside([&](Scripted& self) {
    basket.fetch(self, seller, 1000, 10);
    basket.subscription.pause();
  });
  SUBCASE("breaks") {
    actors.inside([&](Scripted& self) { self.tell<Number>(seller, [](auto) {}); });
    CHECK(basket.error == Code::internal);
  }
  SUBCASE("ends") {
    caf::anon_send_exit(seller, caf::exit_reason::kill);
    actors.stage.settle();
    CHECK(basket.error.has_value());
  }
  CHECK(basket.ends == 1);
  basket.subscription = {};
}

TEST_CASE("stream: it ends with `timeout` when nothing moves for its idle time") {
  ActorFixture actors;
  OpenShop shop;
  Basket basket;
  const Handle seller = actors.start("shop", shop.receive());
  actors.inside([&](Scripted& self) {
    basket.fetch(self, seller, 1000, 10);
    basket.subscription.pause();
  });
  actors.stage.run_for(59s);
  CHECK(basket.ends == 0);
  actors.stage.run_for(2s);
  CHECK(basket.error == Code::timeout);
  CHECK(shop.cancelled == 1);
  basket.subscription = {};
}

TEST_CASE("stream: an intake takes all items and answers once") {
  for (const std::uint64_t count : {0, 1, 63, 64, 1000}) {
    ActorFixture actors;
    std::uint64_t sum = 0;
    Intake<Parcel, Number> intake;
    const Handle store = actors.start("store", [&](Scripted&, Handlers& on) {
      on.intake<Order, Parcel, Number>([&](Order::Reader, Intake<Parcel, Number> opened) {
        intake = std::move(opened);
        intake.on_item([&](Parcel::Reader parcel) { sum += parcel.getNumber(); });
        intake.on_end([&](Result<void, Error> ended) {
          if (ended.ok()) intake.reply([&](Number::Builder out) { out.setValue(sum); });
        });
      });
    });
    std::optional<std::uint64_t> answer;
    auto sink = std::make_shared<Sink<Parcel>>();
    std::uint64_t next = 1;
    const auto fill = [&] {
      bool more = sink->ready();
      while (next <= count && more) more = sink->push([&](Parcel::Builder out) { out.setNumber(next++); });
      if (next > count) sink->end();
    };
    actors.inside([&](Scripted& self) {
      *sink = self.feed<Order, Parcel, Number>(store, 60s, order(count, 0), [&](Answer<Number> got) {
        REQUIRE(got.ok());
        answer = got.value().getValue();
      });
      sink->on_ready(fill);
    });
    CHECK(answer == count * (count + 1) / 2);
    actors.stage.run_for(10min);
  }
}

TEST_CASE("stream: an intake that refuses in the middle tells its writer why, once") {
  ActorFixture actors;
  Intake<Parcel, Number> intake;
  const Handle store = actors.start("store", [&](Scripted&, Handlers& on) {
    on.intake<Order, Parcel, Number>([&](Order::Reader, Intake<Parcel, Number> opened) {
      intake = std::move(opened);
      intake.on_item([&](Parcel::Reader) { intake.refuse({Code::no_space, "full"}); });
    });
  });
  std::vector<Code> answers;
  Sink<Parcel> sink;
  actors.inside([&](Scripted& self) {
    sink = self.feed<Order, Parcel, Number>(store, 60s, order(3, 0),
                                            [&](Answer<Number> got) { answers.push_back(got.error().code); });
    sink.on_ready([&] {
      for (int i = 0; i < 3; ++i) sink.push([](Parcel::Builder) {});
      sink.end();
    });
  });
  CHECK(answers == std::vector<Code>{Code::no_space});
}

TEST_CASE("stream: the asker of an intake hears `unavailable` when its reader ends") {
  ActorFixture actors;
  Intake<Parcel, Number> intake;
  const Handle store = actors.start("store", [&](Scripted&, Handlers& on) {
    on.intake<Order, Parcel, Number>([&](Order::Reader, Intake<Parcel, Number> opened) {
      intake = std::move(opened);
      intake.on_item([](Parcel::Reader) {});
    });
  });
  std::vector<Code> answers;
  Sink<Parcel> sink;
  actors.inside([&](Scripted& self) {
    sink = self.feed<Order, Parcel, Number>(store, 60s, order(3, 0),
                                            [&](Answer<Number> got) { answers.push_back(got.error().code); });
  });
  caf::anon_send_exit(store, caf::exit_reason::kill);
  actors.stage.settle();
  CHECK(answers == std::vector<Code>{Code::unavailable});
}

TEST_CASE("stream: an actor between two others passes items on as they came, and keeps them if it likes") {
  ActorFixture actors;
  Intake<Parcel, Number> intake, middle;
  Sink<Parcel> sink, onward;
  std::uint64_t sum = 0;
  std::vector<runtime::Envelope> kept;
  std::optional<std::uint64_t> answer;
  const Handle shop = actors.start("shop", [&](Scripted&, Handlers& on) {
    on.intake<Order, Parcel, Number>([&](Order::Reader, Intake<Parcel, Number> opened) {
      intake = std::move(opened);
      intake.on_item([&](Parcel::Reader parcel) { sum += parcel.getData().size() + parcel.getNumber(); });
      intake.on_end([&](Result<void, Error>) { intake.reply([&](Number::Builder out) { out.setValue(sum); }); });
    });
  });
  const Handle relay = actors.start("relay", [&](Scripted& self, Handlers& on) {
    on.intake<Order, Parcel, Number>([&](Order::Reader, Intake<Parcel, Number> opened) {
      middle = std::move(opened);
      onward = self.feed<Order, Parcel, Number>(
          shop, 60s, [](auto) {}, [&](Answer<Number> total) { middle.forward(total.envelope()); });
      middle.on_envelope([&](const runtime::Envelope& item) { kept.push_back(item); });
      middle.on_end([&](Result<void, Error>) {
        for (const runtime::Envelope& item : kept) onward.forward(item);
        onward.end();
      });
    });
  });
  actors.inside([&](Scripted& self) {
    sink = self.feed<Order, Parcel, Number>(
        relay, 60s, [](auto) {}, [&](Answer<Number> total) { answer = total.value().getValue(); });
    sink.on_ready([&] {
      for (std::uint64_t number = 1; number <= 3; ++number) {
        sink.push([&](Parcel::Builder parcel) {
          parcel.setNumber(number);
          parcel.initData(100'000);  // more than one segment
        });
      }
      sink.end();
    });
  });
  CHECK(kept.size() == 3);
  CHECK(answer == 300'006);
}

TEST_CASE("stream: a reader that has all items may take its time to answer, its asker's idle time-out holds") {
  for (const auto patience : {10min, 30min}) {
    ActorFixture actors;
    Intake<Parcel, Number> intake;
    Sink<Parcel> sink;
    std::optional<Code> error;
    std::optional<std::uint64_t> answer;
    const Handle shop = actors.start("shop", [&](Scripted&, Handlers& on) {
      on.intake<Order, Parcel, Number>([&](Order::Reader, Intake<Parcel, Number> opened) {
        intake = std::move(opened);
        intake.on_item([](Parcel::Reader) {});
        intake.on_end([](Result<void, Error>) {});
      });
      on.tell<Latest>([&](Latest::Reader) { intake.reply([](Number::Builder out) { out.setValue(7); }); });
    });
    actors.inside([&](Scripted& self) {
      sink = self.feed<Order, Parcel, Number>(
          shop, patience, [](auto) {},
          [&](Answer<Number> given) {
            if (given.ok()) answer = given.value().getValue();
            else error = given.error().code;
          });
      sink.end();
    });
    actors.stage.run_for(20min);
    actors.inside([&](Scripted& self) { self.tell<Latest>(shop, [](auto) {}); });
    CHECK(answer.has_value() == (patience == 30min));
    CHECK(error.has_value() == (patience == 10min));
  }
}
