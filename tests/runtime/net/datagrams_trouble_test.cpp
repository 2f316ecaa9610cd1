// Lost datagrams, failing nodes, and more of everything than the limits allow.
#include <doctest/doctest.h>

#include "tests/runtime/net/datagram_cluster.hpp"

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

/// Keeps all questions until the test answers them.
struct Kept {
  std::vector<Reply<Number>> replies;
  Scripted::Receive receive() { return keeper(replies); }
  /// Within the actor that keeps them: all are answered `value`, or dropped for zero.
  void answer(DatagramCluster& cluster, std::size_t member, std::uint64_t value) {
    cluster.cluster.inside(
        member, [&](Scripted& self) { self.tell<Latest>(self.node().find("/count"), number(value)); }, 5s);
  }
};

/// Asks several questions in one handler.
std::vector<Outcome> ask_many(DatagramCluster& cluster, std::size_t from, std::size_t to, std::size_t count,
                              base::Duration patience, base::Duration then) {
  std::vector<Outcome> outcomes(count);
  cluster.cluster.inside(
      from,
      [&](Scripted& self) {
        const Handle other = cluster.reach(self, to);
        for (Outcome& outcome : outcomes)
          self.ask<Number, Number>(other, self.now() + patience, number(41), outcome.note());
      },
      then);
  return outcomes;
}

/// With its answer a member proves to another member that it is at its address.
void prove(DatagramCluster& cluster, std::size_t from, std::size_t to) {
  Outcome outcome;
  cluster.cluster.inside(from, [&](Scripted& self) {
    self.ask<Number, Number>(cluster.reach(self, to, "/absent"), self.now() + 5s, number(1), outcome.note());
  });
  REQUIRE(outcome.code == Code::not_found);
}

std::size_t times(const std::vector<Outcome>& outcomes, Code code) {
  return static_cast<std::size_t>(std::ranges::count(outcomes, code, &Outcome::code));
}

}  // namespace

TEST_CASE("datagrams: an answer makes up for silence") {
  DatagramCluster cluster(2);
  cluster.cluster.serve<Number>(1, "count", successor);
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 1; i < Datagrams::kSilentMax; ++i) {
      cluster.cluster.fabric->datagrams(kAllLost);
      Outcome outcome;
      cluster.ask(0, 1, outcome, 500ms, 4s);
      CHECK(outcome.code == Code::timeout);
    }
    cluster.cluster.fabric->datagrams({});
    CHECK(cluster.answer(0, 1) == 42);
  }
  CHECK(cluster.links(0) == 0);
}

TEST_CASE("datagrams: a node without them asks and is asked over links") {
  DatagramCluster cluster(2, {.without = 1});
  for (const std::size_t member : {0, 1}) cluster.cluster.serve<Number>(member, "count", successor);
  SUBCASE("asks") {
    CHECK(cluster.answer(1, 0) == 42);
    CHECK(cluster.links(0) == 1);
    CHECK(cluster.count(0, &DatagramCounts::getServed) == 0);
  }
  SUBCASE("is asked") {
    for (std::uint32_t i = 0; i < Datagrams::kSilentMax; ++i) {
      Outcome outcome;
      cluster.ask(0, 1, outcome, 500ms, 4s);
      CHECK(outcome.code == Code::timeout);
    }
    CHECK(cluster.answer(0, 1) == 42);
    CHECK(cluster.links(0) == 1);
  }
}

TEST_CASE("datagrams: with neither them nor room for a link a question is answered `overloaded`: nobody was asked") {
  DatagramCluster cluster(2);
  cluster.cluster.serve<Number>(1, "count", successor);
  cluster.suspend(0);
  cluster[0].pool->close();
  Outcome outcome;
  cluster.ask(0, 1, outcome);
  CHECK((outcome.calls == 1 && outcome.code == Code::overloaded));
}

TEST_CASE("datagrams: what waits when they break or stop is answered `dropped`, and links go on") {
  DatagramCluster cluster(2);
  Kept kept;
  cluster.cluster.serve<Number>(1, "count", kept.receive());
  const auto waiting = [&](auto end) {
    std::vector<Outcome> outcomes(3);
    cluster.cluster.inside(0, [&](Scripted& self) {
      for (Outcome& outcome : outcomes)
        self.ask<Number, Number>(cluster.reach(self, 1), self.now() + 20s, number(41), outcome.note());
    });
    CHECK(kept.replies.size() == 3);
    end();
    cluster.stage.run_for(1ms);
    CHECK(times(outcomes, Code::dropped) == 3);
    kept.answer(cluster, 1, 42);
    for (const Outcome& outcome : outcomes) CHECK(outcome.calls == 1);
  };
  const auto over_link = [&] {
    Outcome outcome;
    cluster.ask(0, 1, outcome);
    kept.answer(cluster, 1, 42);
    CHECK(outcome.value == 42);
    CHECK(cluster.links(0) == 1);
  };
  SUBCASE("break, and are back") {
    waiting([&] { cluster.suspend(0); });
    over_link();
    cluster.revive(0);
    Outcome outcome;
    cluster.ask(0, 1, outcome);
    kept.answer(cluster, 1, 42);
    CHECK(outcome.value == 42);
    CHECK(cluster.count(0, &DatagramCounts::getAnswered) == 1);
  }
  SUBCASE("stop") {
    waiting([&] { cluster.stop(0); });
    over_link();
  }
  SUBCASE("are killed") {
    waiting([&] { ActorFixture::kill(cluster[0].node.find("/datagrams")); });
    over_link();
  }
}

TEST_CASE("datagrams: who is asked may start anew, and a cookie brings the next question in") {
  DatagramCluster cluster(2);
  cluster.cluster.serve<Number>(1, "count", successor);
  CHECK(cluster.answer(0, 1) == 42);
  cluster.suspend(1);
  cluster.revive(1);
  CHECK(cluster.answer(0, 1) == 42);
  CHECK(cluster.count(1, &DatagramCounts::getCookies) == 1);
  CHECK(cluster.count(1, &DatagramCounts::getAgreements) == 1);
}

TEST_CASE("datagrams: as many questions wait as may, and one more is `overloaded`") {
  DatagramCluster cluster(2, {.open = true});
  cluster.cluster.serve<Number>(1, "count", successor);
  CHECK(cluster.answer(0, 1) == 42);  // it is there
  cluster.cluster.fabric->datagrams(kAllLost);
  const auto outcomes = ask_many(cluster, 0, 1, Datagrams::kAsksMax + 1, 30s, 1s);
  CHECK(cluster.tables[0]->waiting() == Datagrams::kAsksMax);
  CHECK(times(outcomes, Code::overloaded) == 1);
  CHECK(outcomes.back().code == Code::overloaded);
  cluster.stage.run_for(40s);
  CHECK(times(outcomes, Code::timeout) == Datagrams::kAsksMax);
  CHECK(cluster.tables[0]->waiting() == 0);
  CHECK(cluster.count(0, &DatagramCounts::getWaiting) == 0);
}

TEST_CASE("datagrams: as many questions of one node are served as may, and one more is `overloaded`") {
  DatagramCluster cluster(3);
  Kept kept;
  cluster.cluster.serve<Number>(1, "count", kept.receive());
  prove(cluster, 0, 1);
  const auto outcomes = ask_many(cluster, 0, 1, DatagramsActor::kServedOfOneMax + 1, 30s, 1s);
  CHECK(cluster.count(1, &DatagramCounts::getServing) == DatagramsActor::kServedOfOneMax);
  CHECK(times(outcomes, Code::overloaded) == 1);
  Outcome other;
  cluster.ask(2, 1, other, 20s);
  CHECK(cluster.count(1, &DatagramCounts::getServing) == DatagramsActor::kServedOfOneMax + 1);
  SUBCASE("once they are answered it may ask again") {
    kept.answer(cluster, 1, 42);
    CHECK(std::ranges::count(outcomes, 42, &Outcome::value) == DatagramsActor::kServedOfOneMax);
    CHECK(other.value == 42);
  }
  SUBCASE("once they are forgotten it may ask again") {
    cluster.stage.run_for(Datagrams::kServedFor + Datagrams::kSilenceKept + 2s);  // none was answered
    prove(cluster, 0, 1);
  }
  const auto again = ask_many(cluster, 0, 1, DatagramsActor::kServedOfOneMax, 20s, 1s);
  CHECK(cluster.count(1, &DatagramCounts::getServing) == DatagramsActor::kServedOfOneMax);
  kept.answer(cluster, 1, 43);
  CHECK(std::ranges::count(again, 43, &Outcome::value) == DatagramsActor::kServedOfOneMax);
}

TEST_CASE("datagrams: as many questions are served as may, and one more is dropped") {
  DatagramCluster cluster(2, {.without = 1, .open = true});
  Kept kept;
  cluster.cluster.serve<Number>(0, "count", kept.receive());
  RemotePeer stranger(cluster, 1);
  base::Random random(6);
  std::size_t asked = 0;
  const auto ask_as_somebody = [&](std::size_t count) {
    base::PublicKey key;
    for (auto& byte : key.bytes) byte = static_cast<std::uint8_t>(random.next());
    stranger.pretend(key);
    const net::Cookie cookie = stranger.cookie(0);
    for (std::size_t i = 0; i < count; ++i, ++asked) stranger.send(0, stranger.question(0, cookie), 0ms);
    cluster.stage.run_for(100ms);
  };
  while (asked < DatagramsActor::kServedMax)
    ask_as_somebody(std::min(DatagramsActor::kServedOfOneMax, DatagramsActor::kServedMax - asked));
  CHECK(cluster.count(0, &DatagramCounts::getServing) == DatagramsActor::kServedMax);
  CHECK(cluster.count(0, &DatagramCounts::getCrowded) == 0);
  ask_as_somebody(1);
  CHECK(cluster.count(0, &DatagramCounts::getServing) == DatagramsActor::kServedMax);
  CHECK(cluster.count(0, &DatagramCounts::getCrowded) == 1);
  CHECK(stranger.heard.empty());
  kept.answer(cluster, 0, 42);
  CHECK(cluster.count(0, &DatagramCounts::getServing) == 0);
  CHECK(stranger.heard.size() == ports::kDatagramsWaitingMax);  // all come at one moment: its socket holds no more
  ask_as_somebody(1);
  CHECK(cluster.count(0, &DatagramCounts::getServing) == 1);
  kept.answer(cluster, 0, 0);
}

TEST_CASE("datagrams: an answer arrives though the session of its node was forgotten meanwhile, at either side") {
  net::AdmissionLimits admission = DatagramCluster::easy();
  admission.sessions_max = 2;
  DatagramCluster cluster(4, {.admission = admission});
  Kept kept;
  cluster.cluster.serve<Number>(1, "count", kept.receive());
  cluster.cluster.serve<Number>(2, "count", successor);
  std::array<Outcome, 2> outcomes;
  cluster.ask(0, 1, outcomes[0], 20s);
  cluster.ask(3, 1, outcomes[1], 20s);
  CHECK(cluster.answer(0, 2) == 42);
  kept.answer(cluster, 1, 42);
  for (const Outcome& outcome : outcomes) CHECK(outcome.value == 42);
}

TEST_CASE("datagrams: a question that is never answered is forgotten") {
  DatagramCluster cluster(2);
  Kept kept;
  cluster.cluster.serve<Number>(1, "count", kept.receive());
  Outcome outcome;
  cluster.ask(0, 1, outcome, 30s);
  CHECK(cluster.count(1, &DatagramCounts::getServing) == 1);
  cluster.stage.run_for(Datagrams::kServedFor + DatagramsActor::kSweep);
  CHECK(cluster.count(1, &DatagramCounts::getServing) == 0);
  kept.answer(cluster, 1, 42);
  CHECK(cluster[1].node.dead_letters(runtime::DeadLetter::late_answer) == 1);
  cluster.stage.run_for(10s);
  CHECK((outcome.calls == 1 && outcome.code == Code::timeout));
  CHECK(cluster.count(0, &DatagramCounts::getWaiting) == 0);
}

TEST_CASE("datagrams: as many proxies are kept as may, and the one used least lately is made anew") {
  DatagramCluster cluster(2, {.open = true});
  std::vector<Handle> all;
  cluster.cluster.inside(0, [&](Scripted& self) {
    base::Contact contact = cluster.contact(1);
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
    cluster.cluster.serve<Number>(1, "count", successor);
    Outcome outcome;
    cluster.cluster.inside(0, [&](Scripted& self) {
      base::Contact contact = cluster.contact(1);
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
  DatagramCluster cluster(2);
  cluster.cluster.serve<Number>(1, "count", successor);
  cluster.cluster.fabric->datagrams(kAllLost);
  for (std::uint32_t i = 0; i < Datagrams::kSilentMax; ++i) {
    Outcome outcome;
    cluster.ask(0, 1, outcome, 500ms, 4s);
    CHECK((outcome.calls == 1 && outcome.code == Code::timeout));
    CHECK(cluster.links(0) == 0);
  }
  const auto asked = [&] { return cluster.count(0, &DatagramCounts::getAsked); };
  CHECK(asked() == 3);
  CHECK(cluster.answer(0, 1) == 42);
  CHECK(cluster.links(0) == 1);
  CHECK(asked() == 3);
  cluster.cluster.fabric->datagrams({});
  SUBCASE("also where nothing else is sent meanwhile") { cluster.stage.run_for(Datagrams::kSilenceKept); }
  SUBCASE("also where links are in use meanwhile") {
    cluster.stage.run_for(Datagrams::kSilenceKept - 10s);
    CHECK(cluster.answer(0, 1) == 42);
    CHECK(asked() == 3);
    cluster.stage.run_for(10s);
  }
  CHECK(cluster.answer(0, 1) == 42);
  CHECK(asked() == 4);
  CHECK(cluster.count(0, &DatagramCounts::getAnswered) == 1);
}

TEST_CASE("datagrams: a node is not silent because of a place where it never was") {
  DatagramCluster cluster(2);
  cluster.cluster.serve<Number>(1, "count", successor);
  base::Contact hearsay = cluster.contact(1);
  ++hearsay.endpoint.port;
  for (std::uint32_t i = 0; i < Datagrams::kSilentMax; ++i) {
    Outcome outcome;
    cluster.cluster.inside(
        0,
        [&](Scripted& self) {
          self.ask<Number, Number>(self.node().reach(hearsay, "/count"), self.now() + 500ms, number(1), outcome.note());
        },
        4s);
    CHECK(outcome.code == Code::timeout);
  }
  CHECK(cluster.answer(0, 1) == 42);
  CHECK(cluster.links(0) == 0);
}

TEST_CASE("datagrams: a node does not seem to live where it is silent, by a link from elsewhere") {
  DatagramCluster cluster(2);
  cluster.cluster.serve<Number>(1, "count", successor);
  base::Contact claimed = cluster.contact(1);
  ++claimed.endpoint.address.back();
  const auto ask = [&](const base::Contact& contact) {
    Outcome outcome;
    cluster.cluster.inside(
        0,
        [&](Scripted& self) {
          self.ask<Number, Number>(self.node().reach(contact, "/count"), self.now() + 500ms, number(41),
                                   outcome.note());
        },
        4s);
    return outcome;
  };
  cluster[1].pool->dial(*base::HostPort::parse(cluster[0].address->text()));
  for (std::uint32_t i = 0; i < Datagrams::kSilentMax; ++i) CHECK(ask(claimed).code == Code::timeout);
  CHECK(cluster.links(0) == 1);
  CHECK(ask(claimed).code == Code::unavailable);
  CHECK(ask(cluster.contact(1)).value == 42);
  // Where it is it may be asked over the link that it has dialled.
  cluster.cluster.fabric->datagrams(kAllLost);
  for (std::uint32_t i = 0; i < Datagrams::kSilentMax; ++i) CHECK(ask(cluster.contact(1)).code == Code::timeout);
  CHECK(ask(cluster.contact(1)).value == 42);
  CHECK(ask(claimed).code == Code::unavailable);
  CHECK(cluster.links(0) == 1);
}

TEST_CASE("datagrams: a link that is being dialled elsewhere does not pass for the address asked") {
  DatagramCluster cluster(2);
  cluster.cluster.serve<Number>(1, "count", successor);
  base::Contact claimed = cluster.contact(1);
  ++claimed.endpoint.address.back();
  std::vector<Outcome> outcomes(Datagrams::kSilentMax + 1);
  for (Outcome& outcome : outcomes) {
    cluster.cluster.inside(
        0,
        [&](Scripted& self) {
          if (&outcome == &outcomes.back())
            cluster[0].pool->dial(crypto::node_id(claimed.key, claimed.nonce),
                                  base::HostPort::parse(cluster[1].address->text()));
          self.ask<Number, Number>(self.node().reach(claimed, "/count"), self.now() + 500ms, number(41),
                                   outcome.note());
        },
        4s);
  }
  CHECK(times(outcomes, Code::timeout) == Datagrams::kSilentMax);
  CHECK(outcomes.back().code == Code::unavailable);
}

TEST_CASE("datagrams: an unproven address is asked few questions, whichever nodes are said to live there") {
  DatagramCluster cluster(3);
  cluster.cluster.serve<Number>(1, "count", successor);
  base::Contact victim = cluster.contact(2);  // where none of those lives
  constexpr std::size_t kMany = 10;
  bool whole_line = false;
  SUBCASE("at one address") {}
  SUBCASE("on one line, which has 2^64 addresses of IPv6") {
    victim.endpoint = *base::Endpoint::parse("[2001:db8::1]:6000");
    whole_line = true;
  }
  constexpr std::size_t kBurst = DatagramsActor::kHearsayBurst;
  std::vector<Outcome> outcomes(kBurst + kMany);
  cluster.cluster.inside(0, [&](Scripted& self) {
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      victim.nonce = static_cast<std::uint32_t>(1 + i);
      victim.endpoint.port = static_cast<std::uint16_t>(6000 + i);
      if (whole_line) victim.endpoint.address[15] = static_cast<std::uint8_t>(1 + i);
      self.ask<Number, Number>(self.node().reach(victim, "/count"), self.now() + 10s, number(1), outcomes[i].note());
    }
  });
  CHECK(times(outcomes, Code::overloaded) == kMany);
  CHECK(cluster.count(0, &DatagramCounts::getAsked) == kBurst);
  CHECK(cluster.answer(0, 1) == 42);  // others are
  SUBCASE("who has shown to be there is asked what we like") {
    prove(cluster, 0, 1);
    CHECK(times(ask_many(cluster, 0, 1, 2 * kBurst, 5s, 1s), Code::overloaded) == 0);
  }
  SUBCASE("a while later it is asked again") {
    cluster.stage.run_for(20s);
    Outcome again;
    cluster.cluster.inside(
        0,
        [&](Scripted& self) {
          victim.nonce = 1000;
          self.ask<Number, Number>(self.node().reach(victim, "/count"), self.now() + 1s, number(1), again.note());
        },
        4s);
    CHECK(again.code == Code::timeout);
  }
}

TEST_CASE("datagrams: nothing is left of a node that has ended") {
  std::weak_ptr<net::Datagrams> table;
  std::weak_ptr<net::Pool> pool;
  SUBCASE("at rest") {
    DatagramCluster cluster(2);
    cluster.cluster.serve<Number>(1, "count", successor);
    CHECK(cluster.answer(0, 1) == 42);
    table = cluster.tables[0];
    pool = cluster[0].pool;
  }
  SUBCASE("with questions under way") {
    DatagramCluster cluster(2);
    std::vector<Reply<Number>> kept;
    cluster.cluster.serve<Number>(1, "count", keeper(kept));
    Outcome outcome;
    cluster.ask(0, 1, outcome, 30s);
    table = cluster.tables[0];
    pool = cluster[0].pool;
    cluster.cluster.inside(1, [](Scripted& self) { self.tell<Latest>(self.node().find("/count"), number(0)); });
  }
  SUBCASE("with proxies made after its end") {
    DatagramCluster cluster(2);
    table = cluster.tables[0];
    pool = cluster[0].pool;
    cluster.stop(0);
    cluster.cluster.inside(0, [&](Scripted& self) { CHECK(cluster.reach(self, 1)); });
  }
  CHECK(table.expired());
  CHECK(pool.expired());
}

TEST_CASE("datagrams: an answer to a question from before a restart has no asker after it") {
  DatagramCluster cluster(3);
  std::vector<Reply<Number>> kept;
  std::vector<std::uint64_t> values{7, 9};
  cluster.cluster.serve<Number, Latest>(1, "count", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) { kept.push_back(std::move(reply)); });
    on.tell<Latest>([&](auto) {
      for (std::size_t i = 0; i < kept.size(); ++i) kept[i].send(number(values.at(i)));
      kept.clear();
    });
  });
  Outcome before, after;
  cluster.ask(0, 1, before, 20s);
  cluster.suspend(1);
  cluster.revive(1);
  cluster.ask(2, 1, after, 20s);
  REQUIRE(kept.size() == 2);
  cluster.cluster.inside(
      1, [](Scripted& self) { self.tell<Latest>(self.node().find("/count"), number(1)); }, 30s);
  CHECK(after.value == 9);
  CHECK(before.code == Code::timeout);
}
