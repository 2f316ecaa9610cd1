// Datagrams that are lost, nodes that break, and more of everything than there may be.
#include <doctest/doctest.h>

#include "tests/runtime/net/datagram_village.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Latest;
using bench::wire::Number;
using net::Datagrams;
using net::DatagramsActor;
using runtime::Handle;
using runtime::Handlers;
using runtime::Reply;

namespace {

constexpr sim::DatagramFaults kAllLost{.loss = 1'000'000};

/// Keeps all questions, whoever asks, until the test answers them.
struct Kept {
  std::vector<Reply<Number>> replies;
  Scripted::Receive receive() { return keeper(replies); }
  /// Within the actor that keeps them: all are answered `value`, or dropped for zero.
  void answer(DatagramVillage& village, std::size_t house, std::uint64_t value) {
    village.village.inside(
        house, [&](Scripted& self) { self.tell<Latest>(self.node().find("/count"), number(value)); }, 5s);
  }
};

/// Asks so many questions in one handler.
std::vector<Outcome> ask_many(DatagramVillage& village, std::size_t from, std::size_t to, std::size_t count,
                              base::Duration patience, base::Duration then) {
  std::vector<Outcome> outcomes(count);
  village.village.inside(
      from,
      [&](Scripted& self) {
        const Handle other = village.reach(self, to);
        for (Outcome& outcome : outcomes)
          self.ask<Number, Number>(other, self.now() + patience, number(41), outcome.note());
      },
      then);
  return outcomes;
}

std::size_t times(const std::vector<Outcome>& outcomes, Code code) {
  return static_cast<std::size_t>(std::ranges::count(outcomes, code, &Outcome::code));
}

}  // namespace

TEST_CASE("datagrams: an answer makes up for silence") {
  DatagramVillage village(2);
  village.village.serve<Number>(1, "count", successor);
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 1; i < Datagrams::kSilentMax; ++i) {
      village.village.fabric->datagrams(kAllLost);
      Outcome outcome;
      village.ask(0, 1, outcome, 500ms, 4s);
      CHECK(outcome.code == Code::timeout);
    }
    village.village.fabric->datagrams({});
    CHECK(village.answer(0, 1) == 42);
  }
  CHECK(village.links(0) == 0);
}

TEST_CASE("datagrams: a node without them asks and is asked over links") {
  DatagramVillage village(2, {.without = 1});
  for (const std::size_t house : {0, 1}) village.village.serve<Number>(house, "count", successor);
  SUBCASE("asks") {
    CHECK(village.answer(1, 0) == 42);
    CHECK(village.links(0) == 1);
    CHECK(village.count(0, &DatagramCounts::getServed) == 0);
  }
  SUBCASE("is asked") {
    for (std::uint32_t i = 0; i < Datagrams::kSilentMax; ++i) {
      Outcome outcome;
      village.ask(0, 1, outcome, 500ms, 4s);
      CHECK(outcome.code == Code::timeout);
    }
    CHECK(village.answer(0, 1) == 42);
    CHECK(village.links(0) == 1);
  }
}

TEST_CASE("datagrams: with neither them nor a link a question is answered `unavailable`") {
  DatagramVillage village(2);
  village.village.serve<Number>(1, "count", successor);
  village.suspend(0);
  village[0].pool->close();
  Outcome outcome;
  village.ask(0, 1, outcome);
  CHECK((outcome.calls == 1 && outcome.code == Code::unavailable));
}

TEST_CASE("datagrams: what waits when they break or stop is answered `unavailable`, and links go on") {
  DatagramVillage village(2);
  Kept kept;
  village.village.serve<Number>(1, "count", kept.receive());
  const auto waiting = [&](auto end) {
    std::vector<Outcome> outcomes(3);
    village.village.inside(0, [&](Scripted& self) {
      for (Outcome& outcome : outcomes)
        self.ask<Number, Number>(village.reach(self, 1), self.now() + 20s, number(41), outcome.note());
    });
    CHECK(kept.replies.size() == 3);
    end();
    village.stage.run_for(1ms);
    CHECK(times(outcomes, Code::unavailable) == 3);
    kept.answer(village, 1, 42);
    for (const Outcome& outcome : outcomes) CHECK(outcome.calls == 1);
  };
  const auto over_link = [&] {
    Outcome outcome;
    village.ask(0, 1, outcome);
    kept.answer(village, 1, 42);
    CHECK(outcome.value == 42);
    CHECK(village.links(0) == 1);
  };
  SUBCASE("break, and are back") {
    waiting([&] { village.suspend(0); });
    over_link();
    village.revive(0);
    Outcome outcome;
    village.ask(0, 1, outcome);
    kept.answer(village, 1, 42);
    CHECK(outcome.value == 42);
    CHECK(village.count(0, &DatagramCounts::getAnswered) == 1);
  }
  SUBCASE("stop") {
    waiting([&] { village.stop(0); });
    over_link();
  }
  SUBCASE("are killed") {
    waiting([&] { Theatre::kill(village[0].node.find("/datagrams")); });
    over_link();
  }
}

TEST_CASE("datagrams: who is asked may start anew, and a cookie brings the next question in") {
  DatagramVillage village(2);
  village.village.serve<Number>(1, "count", successor);
  CHECK(village.answer(0, 1) == 42);
  village.suspend(1);
  village.revive(1);
  CHECK(village.answer(0, 1) == 42);
  CHECK(village.count(1, &DatagramCounts::getCookies) == 1);
  CHECK(village.count(1, &DatagramCounts::getAgreements) == 1);
}

TEST_CASE("datagrams: as many questions wait as may, and one more is `overloaded`") {
  DatagramVillage village(2, {.open = true});
  village.village.serve<Number>(1, "count", successor);
  village.village.fabric->datagrams(kAllLost);
  const auto outcomes = ask_many(village, 0, 1, Datagrams::kAsksMax + 1, 30s, 1s);
  CHECK(village.tables[0]->waiting() == Datagrams::kAsksMax);
  CHECK(times(outcomes, Code::overloaded) == 1);
  CHECK(outcomes.back().code == Code::overloaded);
  village.stage.run_for(40s);
  CHECK(times(outcomes, Code::timeout) == Datagrams::kAsksMax);
  CHECK(village.tables[0]->waiting() == 0);
  CHECK(village.count(0, &DatagramCounts::getWaiting) == 0);
}

TEST_CASE("datagrams: as many questions are served as may, and one more is dropped") {
  DatagramVillage village(3, {.open = true});
  Kept kept;
  village.village.serve<Number>(2, "count", kept.receive());
  constexpr std::size_t kHalf = DatagramsActor::kServedMax / 2;
  constexpr std::size_t kAtOnce = 1'000;  // with more of them a socket would be full before
  std::vector<std::vector<Outcome>> all;
  for (const std::size_t asker : {0, 1})
    for (std::size_t i = 0; i < kHalf; i += kAtOnce) all.push_back(ask_many(village, asker, 2, kAtOnce, 20s, 100ms));
  CHECK(village.count(2, &DatagramCounts::getServing) == DatagramsActor::kServedMax);
  CHECK(village.count(2, &DatagramCounts::getCrowded) == 0);
  const auto beyond = ask_many(village, 0, 2, 1, 20s, 100ms);
  CHECK(village.count(2, &DatagramCounts::getServing) == DatagramsActor::kServedMax);
  CHECK(village.count(2, &DatagramCounts::getCrowded) == 1);
  kept.answer(village, 2, 42);
  CHECK(village.count(2, &DatagramCounts::getServing) == 0);
  // All answers come at one moment, and a socket does not hold so many.
  for (const std::size_t asker : {0, 1}) {
    const std::uint64_t answered = village.count(asker, &DatagramCounts::getAnswered);
    CHECK(answered >= ports::kDatagramsWaitingMax);
    CHECK(answered + village.count(asker, &DatagramCounts::getUnread) == kHalf);
  }
  village.stage.run_for(20s);
  CHECK(beyond.front().code == Code::timeout);
}

TEST_CASE("datagrams: a question that is never answered is forgotten") {
  DatagramVillage village(2);
  Kept kept;
  village.village.serve<Number>(1, "count", kept.receive());
  Outcome outcome;
  village.ask(0, 1, outcome, 1h);
  CHECK(village.count(1, &DatagramCounts::getServing) == 1);
  village.stage.run_for(DatagramsActor::kServedFor + DatagramsActor::kSweep);
  CHECK(village.count(1, &DatagramCounts::getServing) == 0);
  kept.answer(village, 1, 42);
  CHECK(village[1].node.dead_letters(runtime::DeadLetter::late_answer) == 1);
  CHECK(outcome.calls == 0);
  village.stage.run_for(1h);
  CHECK(outcome.code == Code::timeout);
  CHECK(village.count(0, &DatagramCounts::getWaiting) == 0);
}

TEST_CASE("datagrams: as many proxies are kept as may, and the one used least lately is made anew") {
  DatagramVillage village(2, {.open = true});
  std::vector<Handle> all;
  village.village.inside(0, [&](Scripted& self) {
    base::Contact contact = village.contact(1);
    for (std::size_t i = 0; i < Datagrams::kRoutesMax; ++i) {
      contact.nonce = static_cast<std::uint32_t>(i);
      all.push_back(self.node().reach(contact, "/count"));
    }
    contact.nonce = 0;
    CHECK(self.node().reach(contact, "/count") == all[0]);  // used: the second is the oldest now
    CHECK(self.node().reach(contact, "/other") != all[0]);  // one more
    CHECK(self.node().reach(contact, "/count") == all[0]);
    contact.nonce = 2;
    CHECK(self.node().reach(contact, "/count") == all[2]);
    contact.nonce = 1;
    CHECK(self.node().reach(contact, "/count") != all[1]);
    contact.nonce = 3;
    CHECK(self.node().reach(contact, "/count") != all[3]);
  });
  SUBCASE("and a proxy that is not kept any more still asks") {
    village.village.serve<Number>(1, "count", successor);
    Outcome outcome;
    village.village.inside(0, [&](Scripted& self) {
      base::Contact contact = village.contact(1);
      const Handle mine = self.node().reach(contact, "/count");
      for (std::uint32_t i = 1; i <= Datagrams::kRoutesMax; ++i) {
        contact.nonce = i;
        self.node().reach(contact, "/count");
      }
      self.ask<Number, Number>(mine, self.now() + 5s, number(41), outcome.note());
    });
    CHECK(outcome.value == 42);
  }
}

TEST_CASE("datagrams: a node that is silent thrice is asked over a link, and by datagram again ten minutes later") {
  DatagramVillage village(2);
  village.village.serve<Number>(1, "count", successor);
  village.village.fabric->datagrams(kAllLost);
  for (std::uint32_t i = 0; i < Datagrams::kSilentMax; ++i) {
    Outcome outcome;
    village.ask(0, 1, outcome, 500ms, 4s);
    CHECK((outcome.calls == 1 && outcome.code == Code::timeout));
    CHECK(village.links(0) == 0);
  }
  const auto asked = [&] { return village.count(0, &DatagramCounts::getAsked); };
  CHECK(asked() == 3);
  CHECK(village.answer(0, 1) == 42);
  CHECK(village.links(0) == 1);
  CHECK(asked() == 3);
  village.village.fabric->datagrams({});
  SUBCASE("also where nothing else is sent meanwhile") { village.stage.run_for(Datagrams::kSilenceKept); }
  SUBCASE("also where links are in use meanwhile") {
    village.stage.run_for(Datagrams::kSilenceKept - 10s);
    CHECK(village.answer(0, 1) == 42);
    CHECK(asked() == 3);
    village.stage.run_for(10s);
  }
  CHECK(village.answer(0, 1) == 42);
  CHECK(asked() == 4);
  CHECK(village.count(0, &DatagramCounts::getAnswered) == 1);
}

TEST_CASE("datagrams: nothing is left of a node that has ended") {
  std::weak_ptr<net::Datagrams> table;
  std::weak_ptr<net::Pool> pool;
  SUBCASE("at rest") {
    DatagramVillage village(2);
    village.village.serve<Number>(1, "count", successor);
    CHECK(village.answer(0, 1) == 42);
    table = village.tables[0];
    pool = village[0].pool;
  }
  SUBCASE("with questions under way") {
    DatagramVillage village(2);
    std::vector<Reply<Number>> kept;
    village.village.serve<Number>(1, "count", keeper(kept));
    Outcome outcome;
    village.ask(0, 1, outcome, 1h);
    table = village.tables[0];
    pool = village[0].pool;
    village.village.inside(1, [](Scripted& self) { self.tell<Latest>(self.node().find("/count"), number(0)); });
  }
  SUBCASE("with proxies made after its end") {
    DatagramVillage village(2);
    table = village.tables[0];
    pool = village[0].pool;
    village.stop(0);
    village.village.inside(0, [&](Scripted& self) { CHECK(village.reach(self, 1)); });
  }
  CHECK(table.expired());
  CHECK(pool.expired());
}

TEST_CASE("datagrams: an answer of before a restart is for nobody of after it") {
  DatagramVillage village(3);
  std::vector<Reply<Number>> kept;
  std::vector<std::uint64_t> values{7, 9};
  village.village.serve<Number, Latest>(1, "count", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) { kept.push_back(std::move(reply)); });
    on.tell<Latest>([&](auto) {
      for (std::size_t i = 0; i < kept.size(); ++i) kept[i].send(number(values.at(i)));
      kept.clear();
    });
  });
  Outcome before, after;
  village.ask(0, 1, before, 20s);
  village.suspend(1);
  village.revive(1);
  village.ask(2, 1, after, 20s);
  REQUIRE(kept.size() == 2);
  village.village.inside(
      1, [](Scripted& self) { self.tell<Latest>(self.node().find("/count"), number(1)); }, 30s);
  CHECK(after.value == 9);
  CHECK(before.code == Code::timeout);
}
