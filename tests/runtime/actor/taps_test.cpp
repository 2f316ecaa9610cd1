// Following messages: who is heard, for how long, and what is counted beyond the limits.
#include "runtime/actor/taps.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "messages/runtime.capnp.h"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Instant;
using bench::wire::Latest;
using bench::wire::Number;
using bench::wire::Parcel;
using runtime::Envelope;
using runtime::Handle;
using runtime::Handlers;
using runtime::Record;
using runtime::Tap;
using runtime::Tapped;

namespace {

Tap::Wants everybody() {
  return [](std::string_view, const char*, const Record&, Instant) { return true; };
}
Tap::Wants only(std::string path) {
  return [path](std::string_view at, const char*, const Record&, Instant) { return at == path; };
}

/// The numbers that a tap has heard told.
std::vector<std::uint64_t> numbers(const Tap::Taken& taken) {
  std::vector<std::uint64_t> out;
  for (const Tapped& one : taken.messages)
    if (one.envelope.kind() == &messages::kind_of<Number>())
      out.push_back(Envelope::Reading<Number>(one.envelope).root().getValue());
  return out;
}

void silent(Scripted&, Handlers& on) {
  on.tell<Number>([](Number::Reader) {});
  on.tell<Latest>([](Latest::Reader) {});
  on.tell<Parcel>([](Parcel::Reader) {});
}

}  // namespace

TEST_CASE("taps: only actors that are wanted are heard, in order, with whom and when") {
  ActorFixture actors;
  const Handle one = actors.start("one", silent), other = actors.start("other", silent);
  actors.stage.run_for(5s);
  const auto tap = actors.node.taps().open(only("/one"), 0, Instant::max());
  actors.inside([&](Scripted& self) {
    for (std::uint64_t i = 0; i < 5; ++i) {
      self.tell<Number>(one, number(i));
      self.tell<Number>(other, number(100 + i));
    }
  });
  const auto taken = tap->take();
  CHECK(numbers(taken) == std::vector<std::uint64_t>{0, 1, 2, 3, 4});
  CHECK(taken.seen == 5);
  CHECK(taken.dropped == 0);
  for (const Tapped& message : taken.messages) {
    CHECK(message.path == "/one");
    CHECK(message.way == Tapped::Direction::in);
    CHECK_FALSE(message.answer);
    CHECK(message.other == actors.node.find("/outside").id());
    CHECK_FALSE(message.node.has_value());
    CHECK(message.at == actors.node.world().clock.now());
  }
  CHECK(tap->take().messages.empty());
  CHECK(tap->take().seen == 5);
}

TEST_CASE("taps: answers are heard where they arrive, and told apart from questions") {
  ActorFixture actors;
  const Handle one = actors.start("one", successor);
  actors.stage.settle();
  actors.inside([](Scripted&) {});
  const auto tap = actors.node.taps().open(
      [](std::string_view path, const char*, const Record&, Instant) { return path == "/one" || path == "/outside"; },
      0, Instant::max());
  Outcome outcome;
  actors.inside([&](Scripted& self) { self.ask<Number, Number>(one, Instant::max(), number(1), outcome.note()); });
  const auto taken = tap->take();
  CHECK(numbers(taken) == std::vector<std::uint64_t>{1, 2});
  REQUIRE(taken.messages.size() >= 2);
  const Tapped& question = taken.messages[taken.messages.size() - 2];
  const Tapped& answer = taken.messages.back();
  CHECK(question.path == "/one");
  CHECK_FALSE(question.answer);
  CHECK(answer.path == "/outside");
  CHECK(answer.answer);
  CHECK(answer.other == one.id());
}

TEST_CASE("taps: a trace id takes its messages alone, also those that came of them") {
  ActorFixture actors;
  const Handle end = actors.start("end", silent);
  const Handle middle = actors.start("middle", [&](Scripted& self, Handlers& on) {
    on.tell<Number>([&](Number::Reader told) { self.tell<Number>(end, number(told.getValue() + 10)); });
  });
  const auto tap = actors.node.taps().open(everybody(), 5, Instant::max());
  actors.inside([&](Scripted& self) {
    for (std::uint64_t id = 0; id < 10; ++id)
      self.send(middle, Envelope::build<Number>({.trace = {.id = id}}, number(id)));
  });
  const auto taken = tap->take();
  CHECK(numbers(taken) == std::vector<std::uint64_t>{5, 15});
  CHECK(taken.seen == 2);
}

TEST_CASE("taps: beyond its room a tap counts what it drops, and takes again once it was read") {
  ActorFixture actors;
  const Handle one = actors.start("one", silent);
  actors.stage.settle();
  const auto tap = actors.node.taps().open(only("/one"), 0, Instant::max());
  const auto tell = [&](std::size_t count) {
    actors.inside([&](Scripted& self) {
      for (std::uint64_t i = 0; i < count; ++i) self.tell<Number>(one, number(i));
    });
  };
  SUBCASE("messages") {
    tell(runtime::kTappedMax + 7);
    auto taken = tap->take();
    CHECK(taken.messages.size() == runtime::kTappedMax);
    CHECK(taken.seen == runtime::kTappedMax + 7);
    CHECK(taken.dropped == 7);
    CHECK(numbers(taken).back() == runtime::kTappedMax - 1);
    tell(3);
    taken = tap->take();
    CHECK(taken.messages.size() == 3);
    CHECK(taken.seen == runtime::kTappedMax + 10);
    CHECK(taken.dropped == 7);
  }
  SUBCASE("bytes") {
    constexpr std::size_t kMebibyte = 1u << 20;
    actors.inside([&](Scripted& self) {
      for (int i = 0; i < 20; ++i) self.tell<Parcel>(one, [](Parcel::Builder out) { out.initData(kMebibyte); });
    });
    tell(1);
    auto taken = tap->take();
    std::size_t bytes = 0;
    for (const Tapped& message : taken.messages) bytes += message.envelope.bytes().size();
    CHECK(bytes <= runtime::kTappedBytesMax);
    CHECK(bytes > runtime::kTappedBytesMax - 2 * kMebibyte);
    CHECK(taken.messages.size() == 16);  // fifteen parcels and the number behind them
    CHECK(taken.dropped == 5);
    tell(1);
    CHECK(tap->take().messages.size() == 1);
  }
}

TEST_CASE("taps: a tap closes by itself at its time") {
  ActorFixture actors;
  const Handle one = actors.start("one", silent);
  actors.stage.settle();
  const auto tap = actors.node.taps().open(everybody(), 0, actors.node.world().clock.now() + 10s);
  const auto tell = [&] { actors.inside([&](Scripted& self) { self.tell<Number>(one, number(1)); }); };
  actors.stage.run_for(10s - 1ns);
  tell();
  CHECK(numbers(tap->take()).size() == 1);
  actors.stage.run_for(1ns);
  tell();
  actors.stage.run_for(1h);
  tell();
  const auto taken = tap->take();
  CHECK(taken.messages.empty());
  CHECK(taken.dropped == 0);
}

TEST_CASE("taps: there are four at most, and one that is closed makes room") {
  runtime::Taps taps;
  CHECK(taps.edition() == 0);
  std::vector<std::shared_ptr<Tap>> open;
  std::vector<std::uint32_t> editions;
  for (std::size_t i = 0; i < runtime::kTapsMax; ++i) {
    open.push_back(taps.open(everybody(), 0, Instant::max()));
    REQUIRE(open.back() != nullptr);
    editions.push_back(taps.edition());
  }
  CHECK(taps.open(everybody(), 0, Instant::max()) == nullptr);
  taps.close(open[1]);
  editions.push_back(taps.edition());
  open[1] = taps.open(everybody(), 0, Instant::max());
  CHECK(open[1] != nullptr);
  editions.push_back(taps.edition());
  CHECK(taps.open(everybody(), 0, Instant::max()) == nullptr);
  for (const auto& tap : open) {
    CHECK(taps.edition() != 0);
    taps.close(tap);
  }
  CHECK(taps.edition() == 0);
  taps.close(open[0]);  // again
  CHECK(taps.edition() == 0);
  const auto last = taps.open(everybody(), 0, Instant::max());
  editions.push_back(taps.edition());
  std::ranges::sort(editions);
  CHECK(std::ranges::adjacent_find(editions) == editions.end());
  CHECK(editions.front() > 0);
}

TEST_CASE("taps: one that nobody holds any more is closed, as when its owner breaks") {
  runtime::Taps taps;
  for (int round = 0; round < 10; ++round) {
    const auto tap = taps.open(everybody(), 0, Instant::max());
    REQUIRE(tap != nullptr);
    CHECK(taps.edition() != 0);
  }
  CHECK(taps.edition() == 0);
}

TEST_CASE("taps: after the last is closed nobody is asked or heard") {
  ActorFixture actors;
  const Handle one = actors.start("one", silent);
  actors.stage.settle();
  int asked = 0;
  const auto tap = actors.node.taps().open(
      [&](std::string_view, const char*, const Record&, Instant) { return ++asked > 0; }, 0, Instant::max());
  const auto tell = [&] { actors.inside([&](Scripted& self) { self.tell<Number>(one, number(1)); }); };
  tell();
  CHECK(asked > 0);
  const auto seen = tap->take().seen;
  actors.node.taps().close(tap);
  CHECK(actors.node.taps().edition() == 0);
  asked = 0;
  actors.stage.run_for(1s);
  for (int i = 0; i < 5; ++i) tell();
  CHECK(asked == 0);
  CHECK(tap->take().seen == seen);
}

TEST_CASE("taps: an actor asks when it first meets a tap, then ten times a second at most") {
  ActorFixture actors;
  const Handle one = actors.start("one", silent);
  actors.stage.settle();
  int asked = 0;
  bool wants = false;
  const auto tap = actors.node.taps().open(
      [&](std::string_view path, const char*, const Record&, Instant) {
        asked += path == "/one";
        return path == "/one" && wants;
      },
      0, Instant::max());
  const auto tell = [&](std::uint64_t value) {
    actors.inside([&](Scripted& self) { self.tell<Number>(one, number(value)); });
  };
  for (std::uint64_t i = 0; i < 50; ++i) tell(i);
  CHECK(asked == 1);
  wants = true;
  actors.stage.run_for(runtime::kLookEvery - 1ns);
  tell(50);
  CHECK(asked == 1);
  actors.stage.run_for(1ns);
  tell(51);
  CHECK(asked == 2);
  CHECK(numbers(tap->take()) == std::vector<std::uint64_t>{51});
  const auto second = actors.node.taps().open(only("/one"), 0, Instant::max());
  tell(52);
  CHECK(asked == 3);  // the taps have changed
  CHECK(numbers(tap->take()) == std::vector<std::uint64_t>{52});
  CHECK(numbers(second->take()) == std::vector<std::uint64_t>{52});
}

TEST_CASE("taps: what waits for a restart is heard once, when it is handled") {
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
  const auto tap = actors.node.taps().open(only("/child"), 0, Instant::max());
  actors.inside([&](Scripted& self) {
    for (const std::uint64_t value : {1u, 13u, 2u, 3u}) self.tell<Number>(child, number(value));
  });
  actors.stage.run_for(5s);
  CHECK(actors.record("/child")->restarts == 1);
  CHECK(numbers(tap->take()) == std::vector<std::uint64_t>{1, 13, 2, 3});
}

TEST_CASE("taps: of messages of which only the newest matters that is heard which is handled") {
  ActorFixture actors;
  std::vector<std::uint64_t> handled;
  const Handle one = actors.start("one", [&](Scripted&, Handlers& on) {
    on.tell<Latest>([&](Latest::Reader latest) { handled.push_back(latest.getValue()); });
  });
  actors.stage.settle();
  const auto tap = actors.node.taps().open(only("/one"), 0, Instant::max());
  actors.inside([&](Scripted& self) {
    for (std::uint64_t i = 1; i <= 5; ++i) self.tell<Latest>(one, number(i));
  });
  REQUIRE(handled == std::vector<std::uint64_t>{5});
  const auto taken = tap->take();
  REQUIRE(taken.messages.size() == 1);
  CHECK(Envelope::Reading<Latest>(taken.messages[0].envelope).root().getValue() == 5);
}
