// Questions and answers by datagram between honest nodes.
#include <doctest/doctest.h>

#include "tests/runtime/net/datagram_cluster.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Count;
using bench::wire::Counted;
using bench::wire::Latest;
using bench::wire::Number;
using bench::wire::Order;
using bench::wire::Parcel;
using runtime::Answer;
using runtime::AnyReply;
using runtime::Envelope;
using runtime::Handlers;
using runtime::Reply;

TEST_CASE("datagrams: a question and its answer make no link") {
  DatagramCluster cluster(2, {.open = false});
  cluster.cluster.serve<Number>(1, "count", successor);
  CHECK(cluster.answer(0, 1) == 42);
  CHECK(cluster.links(0) == 0);
  CHECK(cluster.links(1) == 0);
  CHECK(cluster.count(0, &DatagramCounts::getAsked) == 1);
  CHECK(cluster.count(0, &DatagramCounts::getAnswered) == 1);
  CHECK(cluster.count(0, &DatagramCounts::getOverLinks) == 0);
  CHECK(cluster.count(0, &DatagramCounts::getWaiting) == 0);
  CHECK(cluster.count(1, &DatagramCounts::getServed) == 1);
  CHECK(cluster.count(1, &DatagramCounts::getServing) == 0);
}

TEST_CASE("datagrams: the first contact costs a cookie and the question once more, the next nothing") {
  DatagramCluster cluster(2);
  cluster.cluster.serve<Number>(1, "count", successor);
  CHECK(cluster.answer(0, 1) == 42);
  CHECK(cluster.count(1, &DatagramCounts::getCookies) == 1);
  CHECK(cluster.count(1, &DatagramCounts::getAgreements) == 1);
  for (int i = 0; i < 3; ++i) CHECK(cluster.answer(0, 1) == 42);
  CHECK(cluster.count(1, &DatagramCounts::getCookies) == 1);
  CHECK(cluster.count(1, &DatagramCounts::getAgreements) == 1);
  // A node that has answered has proven its address: it needs no cookie when it asks.
  cluster.cluster.serve<Number>(0, "count", successor);
  CHECK(cluster.answer(1, 0) == 42);
  CHECK(cluster.count(0, &DatagramCounts::getCookies) == 0);
  CHECK(cluster.count(0, &DatagramCounts::getAgreements) == 0);
}

TEST_CASE("datagrams: first questions at once are all answered, for one agreement") {
  DatagramCluster cluster(2);
  cluster.cluster.serve<Number>(1, "count", successor);
  std::array<Outcome, 50> outcomes;
  cluster.cluster.inside(0, [&](Scripted& self) {
    for (Outcome& outcome : outcomes)
      self.ask<Number, Number>(cluster.reach(self, 1), self.now() + 5s, number(41), outcome.note());
  });
  for (const Outcome& outcome : outcomes) CHECK((outcome.calls == 1 && outcome.value == 42));
  CHECK(cluster.count(1, &DatagramCounts::getAgreements) == 1);
  CHECK(cluster.count(1, &DatagramCounts::getCookies) == 50);
}

TEST_CASE("datagrams: who is asked knows who asks, in which role, until when and in which trace") {
  DatagramCluster cluster(2);
  runtime::Caller caller;
  runtime::Header seen;
  cluster.cluster.serve<Number>(1, "count", [&](Scripted& self, Handlers& on) {
    on.other([&](const Envelope& envelope, AnyReply reply) {
      caller = self.caller();
      seen = envelope.header();
      seen.due = base::Instant(seen.due - self.now());
      reply.forward(Envelope::build<Number>({}, number(42)));
    });
  });
  Outcome outcome;
  cluster.cluster.inside(0, [&](Scripted& self) {
    runtime::Header head{.due = self.now() + 5s, .trace = {77, 5}};
    // The trace of an actor is that of the message at hand.
    self.send(self.node().start("traced", script([&](Scripted& traced, Handlers& on) {
                                  on.tell<Latest>([&](Latest::Reader) {
                                    traced.ask<Number, Number>(cluster.reach(traced, 1), traced.now() + 5s, number(41),
                                                               outcome.note());
                                  });
                                })),
              Envelope::build<Latest>(head, number(1)));
  });
  CHECK(outcome.value == 42);
  CHECK(caller.role == messages::Role::peer);
  CHECK(caller.node == cluster[0].id());
  CHECK(caller.by_datagram);
  CHECK(caller.at == cluster[0].address);
  CHECK(seen.trace.id == 77);
  CHECK(seen.origin != runtime::Origin::local);
  const base::Duration left = seen.due - base::Instant{};
  CHECK(left <= 5s);
  CHECK(left > 4900ms);
}

TEST_CASE("datagrams: a question whose deadline passes on its way is not run") {
  DatagramCluster cluster(2);
  int run = 0;
  cluster.cluster.serve<Number>(1, "count", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) {
      ++run;
      reply.done();
    });
  });
  cluster.answer(0, 1);
  CHECK(run == 1);
  Outcome outcome;
  cluster.stage.park(cluster[1].node.find("/count")->id());
  cluster.ask(0, 1, outcome, 100ms);
  CHECK(outcome.code == Code::timeout);
  cluster.stage.unpark(cluster[1].node.find("/count")->id());
  cluster.stage.run_for(5s);
  CHECK(run == 1);
  CHECK(outcome.calls == 1);
  CHECK(cluster[1].node.dead_letters(runtime::DeadLetter::expired) == 1);
  CHECK(cluster.count(0, &DatagramCounts::getWaiting) == 0);
}

TEST_CASE("datagrams: what may not be asked is answered with the reason") {
  DatagramCluster cluster(2);
  cluster.cluster.serve<Number>(1, "count", [](Scripted&, Handlers& on) {
    on.ask<Number, Number>([](Number::Reader, Reply<Number> reply) { reply.refuse({Code::conflict, "not today"}); });
  });
  const auto code_of = [&]<class Q>(const std::string& path, Q*) {
    std::optional<Code> code;
    cluster.cluster.inside(0, [&](Scripted& self) {
      self.ask<Q, Number>(
          cluster.reach(self, 1, path), self.now() + 5s, [](auto) {},
          [&](Answer<Number> answer) { code = answer.ok() ? Code{} : answer.error().code; });
    });
    return code;
  };
  CHECK(code_of("/count", static_cast<Number*>(nullptr)) == Code::conflict);
  CHECK(code_of("/absent", static_cast<Number*>(nullptr)) == Code::not_found);
  CHECK(code_of("/count", static_cast<Count*>(nullptr)) == Code::unsupported);  // not offered
  CHECK(cluster.links(0) == 0);
  CHECK(code_of("/count", static_cast<Latest*>(nullptr)) == Code::refused);  // no peer may send it
}

TEST_CASE("datagrams: an actor that has ended answers `unavailable`") {
  DatagramCluster cluster(2);
  const auto handle = cluster.cluster.serve<Number>(1, "count", successor);
  ActorFixture::kill(handle);
  cluster.stage.run_for(1s);
  Outcome outcome;
  cluster.ask(0, 1, outcome);
  CHECK(outcome.code == Code::unavailable);
  CHECK(cluster.count(1, &DatagramCounts::getServing) == 0);
}

TEST_CASE("datagrams: what does not fit goes over a link") {
  DatagramCluster cluster(2);
  int told = 0, asked = 0;
  cluster.cluster.serve<Parcel, Number>(1, "count", [&](Scripted&, Handlers& on) {
    on.ask<Parcel, Number>([&](Parcel::Reader parcel, Reply<Number> reply) {
      ++asked;
      reply.send(number(parcel.getData().size()));
    });
    on.ask<Number, Parcel>([&](Number::Reader question, Reply<Parcel> reply) {
      ++asked;
      reply.send([&](Parcel::Builder out) { out.initData(static_cast<unsigned>(question.getValue())); });
    });
  });
  cluster.cluster.serve<Number>(1, "ear", [&](Scripted&, Handlers& on) { on.tell<Number>([&](auto) { ++told; }); });
  const auto carry = [&](unsigned bytes) {
    std::optional<std::uint64_t> carried;
    cluster.cluster.inside(0, [&](Scripted& self) {
      self.ask<Parcel, Number>(
          cluster.reach(self, 1), self.now() + 5s, [&](Parcel::Builder out) { out.initData(bytes); },
          [&](Answer<Number> answer) { carried = answer.ok() ? answer.value().getValue() : 0; });
    });
    return carried;
  };
  const auto fetch = [&](unsigned bytes, base::Duration patience) {
    std::optional<std::uint64_t> fetched;
    cluster.cluster.inside(0, [&](Scripted& self) {
      self.ask<Number, Parcel>(
          cluster.reach(self, 1), patience == base::Duration::max() ? base::Instant::max() : self.now() + patience,
          number(bytes), [&](Answer<Parcel> answer) { fetched = answer.ok() ? answer.value().getData().size() : 0; });
    });
    return fetched;
  };
  // The parcel around its data: the segment table, the root pointer, the struct of two words.
  constexpr unsigned kAround = 8 + 8 + 16;
  constexpr unsigned kQuestionMax = net::question_words_bytes_max(6) - kAround;
  constexpr unsigned kAnswerMax = net::kAnswerWordsBytesMax - kAround;
  SUBCASE("a question") {
    CHECK(carry(kQuestionMax) == kQuestionMax);
    CHECK(cluster.links(0) == 0);
    CHECK(carry(kQuestionMax + 1) == kQuestionMax + 1);
    CHECK(cluster.links(0) == 1);
    CHECK(asked == 2);
  }
  SUBCASE("an answer: the question is asked once more") {
    CHECK(fetch(kAnswerMax, 5s) == kAnswerMax);
    CHECK(cluster.links(0) == 0);
    CHECK(fetch(kAnswerMax + 1, 5s) == kAnswerMax + 1);
    CHECK(cluster.links(0) == 1);
    CHECK(asked == 3);
    CHECK(cluster.count(0, &DatagramCounts::getWaiting) == 0);
  }
  SUBCASE("a question without a deadline") {
    CHECK(fetch(8, base::Duration::max()) == 8);
    CHECK(cluster.links(0) == 1);
    CHECK(cluster.count(0, &DatagramCounts::getAsked) == 0);
  }
  SUBCASE("a question with more time than it is served for") {
    CHECK(fetch(8, net::Datagrams::kServedFor) == 8);
    CHECK(cluster.links(0) == 0);
    CHECK(fetch(8, net::Datagrams::kServedFor + 1s) == 8);
    CHECK(cluster.links(0) == 1);
  }
  SUBCASE("a tell") {
    cluster.cluster.inside(0, [&](Scripted& self) { self.tell<Number>(cluster.reach(self, 1, "/ear"), number(1)); });
    CHECK(told == 1);
    CHECK(cluster.links(0) == 1);
  }
  CHECK(cluster.count(0, &DatagramCounts::getOverLinks) == 1);
}

TEST_CASE("datagrams: a question of a kind that is for links alone goes over one at once") {
  DatagramCluster cluster(2);
  int run = 0;
  cluster.cluster.serve<Order>(1, "count", [&](Scripted&, Handlers& on) {
    on.ask<Order, Number>([&](Order::Reader, Reply<Number> reply) {
      ++run;
      reply.send(number(7));
    });
  });
  std::optional<std::uint64_t> value;
  cluster.cluster.inside(0, [&](Scripted& self) {
    self.ask<Order, Number>(
        cluster.reach(self, 1), self.now() + 5s, [](auto) {},
        [&](Answer<Number> answer) { value = answer.ok() ? answer.value().getValue() : 0; });
  });
  CHECK(value == 7);
  CHECK(run == 1);
  CHECK(cluster.links(0) == 1);
  CHECK(cluster.count(0, &DatagramCounts::getAsked) == 0);
}

TEST_CASE("datagrams: an answer with its twin, and answers in another order, are given once each") {
  DatagramCluster cluster(2);
  cluster.cluster.serve<Number>(1, "count", successor);
  CHECK(cluster.answer(0, 1) == 42);  // more questions than a first contact may have
  cluster.cluster.fabric->datagrams({.twice = 1'000'000, .late = 500'000});
  constexpr std::size_t kQuestions = 100;
  std::array<Outcome, kQuestions> outcomes;
  cluster.cluster.inside(0, [&](Scripted& self) {
    for (std::size_t i = 0; i < kQuestions; ++i)
      self.ask<Number, Number>(cluster.reach(self, 1), self.now() + 5s, number(i), outcomes[i].note());
  });
  for (std::size_t i = 0; i < kQuestions; ++i) CHECK((outcomes[i].calls == 1 && outcomes[i].value == i + 1));
  CHECK(cluster.count(0, &DatagramCounts::getAnswered) == 1 + kQuestions);
  CHECK(cluster.count(0, &DatagramCounts::getUnasked) > 0);
  CHECK(cluster[0].node.dead_letters(runtime::DeadLetter::late_answer) == 0);
}

TEST_CASE("datagrams: there is no handle for our own node or for an invalid path") {
  DatagramCluster cluster(2);
  cluster.cluster.inside(0, [&](Scripted& self) {
    CHECK_FALSE(cluster.reach(self, 0));
    base::Contact other_id = cluster.contact(0);
    ++other_id.nonce;
    CHECK_FALSE(self.node().reach(other_id, "/count"));
    CHECK_FALSE(cluster.reach(self, 1, "/a/../b"));
    CHECK_FALSE(cluster.reach(self, 1, std::string(net::kPathBytesMax + 1, '/')));
    CHECK(cluster.reach(self, 1, std::string(net::kPathBytesMax, '/')));
  });
}

TEST_CASE("datagrams: no datagram goes to an address that no node can have") {
  DatagramCluster cluster(2);
  std::vector<Code> codes;
  cluster.cluster.inside(
      0,
      [&](Scripted& self) {
        base::Contact contact = cluster.contact(1);
        for (const char* at : {"10.0.0.2:0", "0.0.0.0:4000", "224.0.0.1:4000", "[::]:4000", "[ff02::1]:4000"}) {
          contact.endpoint = *base::Endpoint::parse(at);
          ++contact.nonce;
          self.ask<Number, Number>(self.node().reach(contact, "/count"), self.now() + 1s, number(1),
                                   [&](Answer<Number> answer) { codes.push_back(answer.error().code); });
        }
      },
      5s);
  CHECK(codes.size() == 5);
  CHECK(cluster.count(0, &DatagramCounts::getAsked) == 0);
}

TEST_CASE("datagrams: a node whose key is no key is not asked") {
  DatagramCluster cluster(2);
  std::vector<Code> codes;
  cluster.cluster.inside(0, [&](Scripted& self) {
    for (const std::uint8_t lowest :
         std::array<std::uint8_t, 3>{0, 1, 2}) {  // two of small order, and one that is no point
      base::Contact contact = cluster.contact(1);
      contact.key = {};
      contact.key.bytes[0] = lowest;
      self.ask<Number, Number>(self.node().reach(contact, "/count"), self.now() + 5s, number(1),
                               [&](Answer<Number> answer) { codes.push_back(answer.error().code); });
    }
  });
  CHECK(codes == std::vector(3, Code::malformed));
  CHECK(cluster.count(0, &DatagramCounts::getWaiting) == 0);
}

TEST_CASE("datagrams: who asks is named for inspectors, as one behind a link is") {
  DatagramCluster cluster(2);
  std::uint64_t asker = 0;
  cluster.cluster.serve<Number>(1, "count", [&](Scripted& self, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader asked, Reply<Number> reply) {
      asker = self.sender().id();
      reply.send(number(asked.getValue() + 1));
    });
  });
  CHECK(cluster.answer(0, 1) == 42);
  REQUIRE(asker != 0);
  CHECK(cluster[1].node.remote_names({asker}).at(asker) == cluster[0].id().hex().substr(0, 8));
}
