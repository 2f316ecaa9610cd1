// Following messages over a link: what leaves for the other node, and what comes from it.
#include <doctest/doctest.h>

#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Instant;
using bench::wire::Number;
using runtime::Envelope;
using runtime::Tap;
using runtime::Tapped;

namespace {

Tap::Wants links() {
  return [](std::string_view path, const char*, const runtime::Record&, Instant) { return path.starts_with("/peer/"); };
}

/// Those of its messages that are numbers.
std::vector<Tapped> numbers(Tap& tap) {
  std::vector<Tapped> out;
  for (Tapped& one : tap.take().messages)
    if (one.envelope.kind() == &messages::kind_of<Number>()) out.push_back(std::move(one));
  return out;
}

std::uint64_t value(const Tapped& message) { return Envelope::Reading<Number>(message.envelope).root().getValue(); }

}  // namespace

TEST_CASE("link: a tap on both ends hears a question and its answer leave and arrive, with the other node") {
  NetCluster cluster(2);
  const auto counter = cluster.serve<Number>(1, "count", successor);
  Outcome outcome;
  const auto asker =
      cluster[0].node.start("asker", script([&](Scripted& self, runtime::Handlers& on) {
                              on.tell<Number>([&](Number::Reader told) {
                                outcome = {};
                                self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), self.now() + 5s,
                                                         number(told.getValue()), outcome.note());
                              });
                            }));
  /// With the trace of what it was told.
  const auto ask = [&](std::uint64_t trace) {
    cluster.inside(
        0, [&](Scripted& self) { self.send(asker, Envelope::build<Number>({.trace = {.id = trace}}, number(41))); });
    REQUIRE(outcome.value == 42);
  };
  ask(0);  // the link is there from now on
  const auto here = cluster[0].node.taps().open(links(), 0, Instant::max());
  const auto there = cluster[1].node.taps().open(links(), 0, Instant::max());
  const auto traced = cluster[1].node.taps().open(
      [](std::string_view, const char*, const runtime::Record&, Instant) { return true; }, 77, Instant::max());
  const auto strange = cluster[1].node.taps().open(links(), 78, Instant::max());
  ask(77);

  const auto asked = numbers(*here);
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].way == Tapped::Direction::out);
  CHECK_FALSE(asked[0].answer);
  CHECK(value(asked[0]) == 41);
  CHECK(asked[0].path.starts_with("/peer/"));
  CHECK(asked[1].way == Tapped::Direction::over);
  CHECK(asked[1].answer);
  CHECK(value(asked[1]) == 42);
  CHECK(asked[1].other == asker.id());

  const auto answered = numbers(*there);
  REQUIRE(answered.size() == 2);
  CHECK(answered[0].way == Tapped::Direction::over);
  CHECK_FALSE(answered[0].answer);
  CHECK(answered[0].other == counter.id());
  CHECK(answered[1].way == Tapped::Direction::out);
  CHECK(answered[1].answer);
  CHECK(value(answered[1]) == 42);

  const auto followed = numbers(*traced);
  REQUIRE(followed.size() == 3);  // over the link, into the actor, and out
  CHECK(followed[0].way == Tapped::Direction::over);
  CHECK(followed[1].way == Tapped::Direction::in);
  CHECK(followed[1].path == "/count");
  CHECK(followed[1].node == cluster[0].id());
  CHECK(followed[2].way == Tapped::Direction::out);
  CHECK(numbers(*strange).empty());
}

TEST_CASE("link: questions that a tap keeps have left their places to others") {
  NetCluster cluster(2, 1, {.questions_in_flight_max = 8});
  cluster.serve<Number>(1, "count", successor);
  const auto tap = cluster[1].node.taps().open(
      [](std::string_view, const char*, const runtime::Record&, Instant) { return true; }, 0, Instant::max());
  for (int i = 0; i < 20; ++i) {
    Outcome outcome;
    cluster.inside(0, [&](Scripted& self) {
      self.ask<Number, Number>(self.node().remote(cluster[1].id(), "/count"), self.now() + 5s, number(41),
                               outcome.note());
    });
    CHECK(outcome.value == 42);
  }
  const auto link = cluster[1].pool->in_service(cluster[0].id());
  REQUIRE(link != nullptr);
  CHECK(link->served->questions() == 0);
  CHECK(link->served->bytes() == 0);
  CHECK(numbers(*tap).size() > 20);
}
