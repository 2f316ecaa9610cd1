// What strangers can do with datagrams, and what they cannot.
#include <doctest/doctest.h>

#include "tests/runtime/net/datagram_cluster.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Latest;
using bench::wire::Number;
using bench::wire::Order;
using bench::wire::Parcel;
using net::AnswerType;
using net::Cookie;
using net::Token;
using runtime::Envelope;
using runtime::Handlers;
using runtime::Reply;

namespace {

/// The second member serves, the first one is its honest neighbour, and in the third, which has no datagrams of its
/// own, lives a stranger.
struct HostileStreet {
  explicit HostileStreet(const net::AdmissionLimits& admission = DatagramCluster::easy(), bool open = false)
      : cluster(3, {.without = 1, .open = open, .admission = admission}), stranger(cluster, 2) {
    cluster.cluster.serve<Number>(1, "count", [this](Scripted&, Handlers& on) {
      on.ask<Number, Number>([this](Number::Reader question, Reply<Number> reply) {
        ++run;
        reply.send(number(question.getValue() + 1));
      });
    });
    cluster.stage.run_for(1ms);
  }
  template <class Get>
  std::uint64_t count(Get get) {
    return cluster.count(1, get);
  }

  DatagramCluster cluster;
  RemotePeer stranger;
  int run = 0;
};

base::Bytes noise(base::Random& random, std::size_t bytes) {
  base::Bytes out(bytes);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random.next());
  return out;
}

base::PublicKey random_key(base::Random& random) {
  return *base::PublicKey::from(noise(random, base::PublicKey::kBytes));
}

/// The token of the last question that came to a stranger.
Token token_of(const RemotePeer& stranger) {
  REQUIRE_FALSE(stranger.heard.empty());
  const auto head = net::read_head(stranger.heard.back().bytes);
  REQUIRE(head.ok());
  return std::get<net::QuestionHead>(head.value()).token;
}

}  // namespace

TEST_CASE("datagrams: a stranger that keeps the rules is served like any node") {
  HostileStreet street;
  const Cookie cookie = street.stranger.cookie(1);
  CHECK(street.stranger.ask(1, cookie) == 42);
  CHECK(street.stranger.ask(1) == 42);  // known by now
  CHECK(street.count(&DatagramCounts::getAgreements) == 1);
}

TEST_CASE("datagrams: bytes that are no datagram are counted, and nothing is sent for them") {
  HostileStreet street;
  base::Random random(7);
  std::size_t sent = 0;
  for (const std::size_t bytes : {1, 2, 7, 8, 31, 32, 71, 72, 135, 136, 1'399, 1'400}) {
    for (int i = 0; i < 20; ++i, ++sent) {
      base::Bytes some = noise(random, bytes);
      if (some[0] >> 4 == 1) some[0] |= 0x0f;  // of our version, but of no type
      street.stranger.send(1, std::move(some), 0ms);
    }
  }
  street.cluster.stage.run_for(1s);
  CHECK(street.stranger.heard.empty());
  CHECK(street.count(&DatagramCounts::getBroken) == sent);
  street.stranger.send(1, {});  // no network carries it
  CHECK(street.cluster.answer(0, 1) == 42);
}

TEST_CASE("datagrams: noise behind a right first byte gets cookies at most, each shorter than itself") {
  HostileStreet street;
  base::Random random(8);
  for (int i = 0; i < 300; ++i) {
    base::Bytes some = noise(random, 8 * (1 + random.below(175)));
    some[0] = static_cast<std::uint8_t>(0x11 + random.below(3));
    std::fill(some.begin() + 1, some.begin() + std::min<std::ptrdiff_t>(4, std::ssize(some)), std::uint8_t{0});
    street.stranger.send(1, std::move(some), 0ms);
  }
  street.cluster.stage.run_for(1s);
  CHECK(street.count(&DatagramCounts::getCookies) == street.stranger.heard.size());
  CHECK(street.stranger.heard.size() > 50);
  CHECK(street.stranger.heard_bytes() * 4 < street.stranger.sent_bytes);
  CHECK(street.count(&DatagramCounts::getAgreements) == 0);
  CHECK(street.run == 0);
  CHECK(street.cluster.answer(0, 1) == 42);
}

TEST_CASE("datagrams: each bit of a question counts") {
  HostileStreet street;
  CHECK(street.stranger.ask(1, street.stranger.cookie(1)) == 42);
  const base::Bytes whole = street.stranger.question(1);
  street.stranger.heard.clear();
  for (std::size_t bit = 0; bit < whole.size() * 8; bit += 5) {
    base::Bytes changed = whole;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    street.stranger.send(1, std::move(changed), 0ms);
  }
  street.cluster.stage.run_for(1s);
  CHECK(street.run == 1);
  for (const auto& one : street.stranger.heard) CHECK(one.bytes.size() == net::kCookieReplyBytes);
  for (std::size_t size = 0; size < whole.size(); size += 8)
    street.stranger.send(1, base::Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(size)), 0ms);
  street.cluster.stage.run_for(1s);
  CHECK(street.run == 1);
}

TEST_CASE("datagrams: no node can speak under the id of another") {
  HostileStreet street;
  CHECK(street.cluster.answer(0, 1) == 42);
  CHECK(street.run == 1);
  street.stranger.pretend(street.cluster.contact(0).key);
  SUBCASE("without a cookie: it gets one, as any node does") {
    CHECK_FALSE(street.stranger.ask(1));
    CHECK(street.stranger.heard_bytes() == net::kCookieReplyBytes);
  }
  SUBCASE("with a cookie: its seal does not fit") {
    const Cookie cookie = street.stranger.cookie(1);
    CHECK_FALSE(street.stranger.ask(1, cookie));
    CHECK(street.stranger.heard.empty());
    CHECK(street.count(&DatagramCounts::getForged) == 1);
    CHECK(street.count(&DatagramCounts::getAgreements) == 1);  // that of the member itself
  }
  CHECK(street.run == 1);
  CHECK(street.cluster.answer(0, 1) == 42);
  CHECK(street.count(&DatagramCounts::getAgreements) == 1);
}

TEST_CASE("datagrams: a replayed question is answered once, and only to its author") {
  HostileStreet street;
  CHECK(street.stranger.ask(1, street.stranger.cookie(1)) == 42);
  const base::Bytes question = street.stranger.question(1);
  street.stranger.heard.clear();
  for (int i = 0; i < 3; ++i) street.stranger.send(1, question);
  CHECK(street.stranger.heard.size() == 1);
  CHECK(street.run == 2);
  CHECK(street.count(&DatagramCounts::getRefused) == 2);
  RemotePeer elsewhere(street.cluster, 2, 5001);
  elsewhere.send(1, question);
  CHECK(street.run == 2);
  CHECK(street.stranger.heard.size() == 1);
  REQUIRE(elsewhere.heard.size() == 1);
  CHECK(elsewhere.heard_bytes() == net::kCookieReplyBytes);
  // The cookie that was given elsewhere is good for nothing here, and the seal covers it.
  const auto head = net::read_head(elsewhere.heard[0].bytes);
  base::Bytes changed = question;
  const auto cookie = std::get<net::CookieReply>(head.value()).cookie;
  std::ranges::copy(cookie.bytes, changed.begin() + 48);
  elsewhere.send(1, changed);
  CHECK(street.run == 2);
  CHECK(elsewhere.heard.size() == 1);
}

TEST_CASE("datagrams: our own question that comes back to us is dropped") {
  HostileStreet street;
  std::optional<ports::Datagram> caught;
  Outcome outcome;
  street.cluster.cluster.inside(0, [&](Scripted& self) {
    self.ask<Number, Number>(self.node().reach(street.stranger.contact(), "/count"), self.now() + 5s, number(1),
                             outcome.note());
  });
  REQUIRE(street.stranger.heard.size() == 1);
  base::Bytes own = street.stranger.heard[0].bytes;
  street.stranger.heard.clear();
  street.stranger.send(0, own);
  CHECK(street.stranger.heard.empty());
  CHECK(street.cluster.count(0, &DatagramCounts::getRefused) == 1);
  CHECK(outcome.calls == 0);
}

TEST_CASE("datagrams: before an address is proven nothing is computed for it, and it gets less than it sent") {
  HostileStreet street(DatagramCluster::easy(), true);
  base::Random random(3);
  for (int i = 0; i < 2'000; ++i) {  // each under another key, from the forged address of the victim
    street.stranger.pretend(random_key(random));
    street.stranger.send(1, street.stranger.question(1), i % 100 == 0 ? base::Duration(10ms) : 0ms);
  }
  street.cluster.stage.run_for(1s);
  CHECK(street.stranger.heard.size() == 2'000);
  CHECK(street.stranger.heard_bytes() * 4 < street.stranger.sent_bytes);
  CHECK(street.count(&DatagramCounts::getAgreements) == 0);
  CHECK(street.count(&DatagramCounts::getSessions) == 0);
  CHECK(street.run == 0);
}

TEST_CASE("datagrams: a flood of strangers with proven addresses spends its budget, and a known node is served on") {
  HostileStreet street(DatagramCluster::easy(), true);
  CHECK(street.cluster.answer(0, 1) == 42);
  base::Random random(4);
  const std::uint32_t budget = net::AdmissionLimits{}.agreements.burst / 2;  // then the share of one address binds
  std::vector<base::PublicKey> keys(2 * budget);
  for (auto& key : keys) {
    key = random_key(random);
    street.stranger.pretend(key);
    street.stranger.send(1, street.stranger.question(1), 0ms);
  }
  street.cluster.stage.run_for(1s);
  REQUIRE(street.stranger.heard.size() == keys.size());
  std::vector<base::Bytes> questions;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto head = net::read_head(street.stranger.heard[i].bytes);
    street.stranger.pretend(keys[i]);
    questions.push_back(street.stranger.question(1, std::get<net::CookieReply>(head.value()).cookie));
  }
  street.stranger.heard.clear();
  for (auto& question : questions) street.stranger.send(1, std::move(question), 0ms);
  CHECK(street.cluster.answer(0, 1) == 42);
  const std::size_t answered = street.stranger.heard.size();
  CHECK(answered >= budget);
  CHECK(answered <= budget + 4);                                        // what came back to it meanwhile
  CHECK(street.count(&DatagramCounts::getAgreements) == answered + 1);  // one of them for the neighbour
  CHECK(street.count(&DatagramCounts::getRefused) == keys.size() - answered);
}

TEST_CASE("datagrams: a stream of forged questions under one key does not shut its neighbours out") {
  HostileStreet street;
  RemotePeer forger(street.cluster, 2, 5001);
  forger.pretend(street.cluster.contact(0).key);
  const Cookie cookie = forger.cookie(1);
  const std::uint32_t times = 2 * net::AdmissionLimits{}.agreements.burst;
  for (std::uint32_t i = 0; i < times; ++i) forger.send(1, forger.question(1, cookie), 0ms);
  street.cluster.stage.run_for(10ms);
  CHECK(street.count(&DatagramCounts::getForged) == times);
  CHECK(street.count(&DatagramCounts::getAgreements) == 1);
  CHECK(street.stranger.ask(1, street.stranger.cookie(1)) == 42);
  CHECK(street.cluster.answer(0, 1) == 42);
}

TEST_CASE("datagrams: a key that is no key, or of small order, gets no session") {
  HostileStreet street;
  for (const std::uint8_t lowest : std::array<std::uint8_t, 3>{0, 1, 2}) {
    base::PublicKey key;
    key.bytes[0] = lowest;
    const base::Bytes own = street.stranger.question(1);
    const auto with_key = [&](const Cookie& cookie) {
      base::Bytes out = own;
      std::ranges::copy(key.bytes, out.begin() + 16);
      std::ranges::copy(cookie.bytes, out.begin() + 48);
      return out;
    };
    street.stranger.heard.clear();
    street.stranger.send(1, with_key({}));
    REQUIRE(street.stranger.heard.size() == 1);
    const auto reply = net::read_head(street.stranger.heard[0].bytes);
    street.stranger.heard.clear();
    street.stranger.send(1, with_key(std::get<net::CookieReply>(reply.value()).cookie));
    CHECK(street.stranger.heard.empty());
  }
  CHECK(street.count(&DatagramCounts::getForged) == 3);
  CHECK(street.count(&DatagramCounts::getSessions) == 0);
  CHECK(street.run == 0);
}

TEST_CASE("datagrams: a node id without its work is not served") {
  net::AdmissionLimits admission;
  admission.work_bits = 16;
  HostileStreet street(admission);
  const Cookie cookie = street.stranger.cookie(1);
  CHECK_FALSE(street.stranger.ask(1, cookie));
  CHECK(street.stranger.heard.empty());
  CHECK(street.count(&DatagramCounts::getAgreements) == 0);
  CHECK(street.count(&DatagramCounts::getRefused) == 1);
}

TEST_CASE("datagrams: an answer must be to our question, from where it went, under its key, and comes once") {
  HostileStreet street;
  Outcome outcome;
  street.cluster.cluster.inside(0, [&](Scripted& self) {
    self.ask<Number, Number>(self.node().reach(street.stranger.contact(), "/count"), self.now() + 30s, number(1),
                             outcome.note());
  });
  const Token token = token_of(street.stranger);
  const Envelope words = Envelope::build<Number>({}, number(2));
  const net::Answer right{AnswerType::answer, messages::kind_of<Number>().id, words.bytes()};
  const auto unasked = [&] { return street.cluster.count(0, &DatagramCounts::getUnasked); };
  RemotePeer other(street.cluster, 2, 5001);

  Token wrong = token;
  wrong.bytes[7] ^= 1;
  street.stranger.send(0, street.stranger.answer(0, wrong, right));
  CHECK(unasked() == 1);
  other.send(0, street.stranger.answer(0, token, right));  // from another address
  CHECK(unasked() == 2);
  street.stranger.send(0, other.answer(0, token, right));  // under another key
  CHECK(street.cluster.count(0, &DatagramCounts::getForged) == 1);
  CHECK(outcome.calls == 0);
  street.stranger.send(0, street.stranger.answer(0, token, right));
  CHECK((outcome.calls == 1 && outcome.value == 2));
  street.stranger.send(0, street.stranger.answer(0, token, right));
  CHECK(unasked() == 3);
  CHECK(outcome.calls == 1);
}

TEST_CASE("datagrams: a node answers for the id that is its own, and for no other of its key") {
  HostileStreet street;
  base::Contact phantom = street.cluster.contact(1);
  ++phantom.nonce;
  Outcome outcome;
  street.cluster.cluster.inside(
      0,
      [&](Scripted& self) {
        self.ask<Number, Number>(self.node().reach(phantom, "/count"), self.now() + 5s, number(41), outcome.note());
      },
      10s);
  CHECK(street.run == 1);
  CHECK((outcome.calls == 1 && outcome.code == Code::timeout));
  CHECK(street.cluster.count(0, &DatagramCounts::getForged) == 1);
  CHECK(street.cluster.count(0, &DatagramCounts::getAnswered) == 0);
  CHECK(street.cluster.answer(0, 1) == 42);
}

TEST_CASE("datagrams: what answers a question must be a message") {
  HostileStreet street;
  const auto code_of = [&](const net::Answer& answer) {
    Outcome outcome;
    street.stranger.heard.clear();
    street.cluster.cluster.inside(0, [&](Scripted& self) {
      self.ask<Number, Number>(self.node().reach(street.stranger.contact(), "/count"), self.now() + 30s, number(1),
                               outcome.note());
    });
    street.stranger.send(0, street.stranger.answer(0, token_of(street.stranger), answer));
    CHECK(outcome.calls == 1);
    CHECK_FALSE(outcome.value);
    return outcome.code;
  };
  const Envelope number_words = Envelope::build<Number>({}, number(2));
  const base::Bytes broken(16, 0xff);
  const std::uint64_t kind = messages::kind_of<Number>().id;
  const base::Bytes large(300 / 8 * 8, 0);
  CHECK(code_of({AnswerType::answer, 12345, number_words.bytes()}) == Code::malformed);
  CHECK(code_of({AnswerType::answer, kind, broken}) == Code::malformed);
  CHECK(code_of({AnswerType::answer, kind, {}}) == Code::malformed);
  CHECK(code_of({AnswerType::answer, kind, large}) == Code::malformed);
  CHECK(code_of({AnswerType::error, kind, number_words.bytes()}) == Code::malformed);
  CHECK(code_of({AnswerType::answer, messages::kind_of<Parcel>().id, number_words.bytes()}) == Code::malformed);
  CHECK(street.cluster.count(0, &DatagramCounts::getWaiting) == 0);
}

// Places that silent addresses and fakes hold, which this node has dialled by itself, were those for large answers.
TEST_CASE("datagrams: own dials to silent addresses keep no node from answers that are too large") {
  DatagramCluster cluster(2);
  cluster.cluster.serve<Parcel, Number>(1, "count", [](Scripted&, Handlers& on) {
    on.ask<Number, Parcel>([](Number::Reader question, Reply<Parcel> reply) {
      reply.send([&](Parcel::Builder out) { out.initData(static_cast<unsigned>(question.getValue())); });
    });
  });
  net::Pool& pool = *cluster[0].pool;
  base::Endpoint silent = *base::Endpoint::parse("198.51.100.9:9");
  cluster.cluster.fabric->cut(cluster[0].address->address, silent.address);
  std::size_t fetched = 0;
  cluster.cluster.inside(0, [&](Scripted& self) {
    for (std::size_t i = 0; i < pool.setup().limits.links_max / 2; ++i, ++silent.port)
      pool.dial(cluster[1].id(), base::HostPort::parse(silent.text()));
    self.ask<Number, Parcel>(
        cluster.reach(self, 1), self.now() + 5s, number(5'000),
        [&](runtime::Answer<Parcel> answer) { fetched = answer.ok() ? answer.value().getData().size() : 0; });
  });
  CHECK(fetched == 5'000);
  cluster.stage.run_for(20s);
}

TEST_CASE("datagrams: of many cookies for one question a few count, so that a forged one ends nothing") {
  HostileStreet street;
  Outcome outcome;
  street.cluster.cluster.inside(0, [&](Scripted& self) {
    self.ask<Number, Number>(self.node().reach(street.stranger.contact(), "/count"), self.now() + 30s, number(1),
                             outcome.note());
  });
  const net::CookieReply reply{token_of(street.stranger), Cookie::from(base::Bytes(16, 7)).value()};
  base::Bytes cookie(net::kCookieReplyBytes);
  net::write_cookie(cookie, reply);
  for (int i = 0; i < 10; ++i) street.stranger.send(0, cookie);
  CHECK(street.stranger.heard.size() == 1 + net::Datagrams::kCookiesMax);
  RemotePeer other(street.cluster, 2, 5001);
  other.send(0, cookie);
  CHECK(other.heard.empty());
}

TEST_CASE("datagrams: each of many strangers gets its answer, though there are more than are remembered") {
  net::AdmissionLimits admission = DatagramCluster::easy();
  admission.agreements = {100'000, 100'000};
  admission.sessions_max = 4 * net::DatagramsActor::kOthersMax;
  HostileStreet street(admission, true);
  base::Random random(5);
  std::size_t answered = 0;
  constexpr std::size_t kStrangers = net::DatagramsActor::kOthersMax + 1;
  for (std::size_t i = 0; i < kStrangers; ++i) {
    street.stranger.pretend(random_key(random));
    answered += street.stranger.ask(1, street.stranger.cookie(1)) == 42;
  }
  CHECK(answered == kStrangers);
  CHECK(street.count(&DatagramCounts::getSessions) == kStrangers);
}

TEST_CASE("datagrams: a node whose questions wait is counted on, however many others come") {
  net::AdmissionLimits admission = DatagramCluster::easy();
  admission.agreements = {100'000, 100'000};
  admission.sessions_max = 4 * net::DatagramsActor::kOthersMax;
  HostileStreet street(admission, true);
  std::vector<Reply<Number>> kept;
  street.cluster.cluster.serve<Number>(1, "slow", keeper(kept));
  street.cluster.stage.run_for(1ms);
  const RemotePeer::Words slow{.path = "/slow", .remaining_us = 30'000'000};
  base::Random random(6);
  const base::PublicKey busy = random_key(random);
  street.stranger.pretend(busy);
  const Cookie cookie = street.stranger.cookie(1);
  for (std::size_t i = 0; i < net::DatagramsActor::kServedOfOneMax; ++i)
    street.stranger.send(1, street.stranger.question(1, cookie, slow), 0ms);
  street.cluster.stage.run_for(100ms);
  constexpr std::size_t kAtOnce = 500;
  for (std::size_t come = 0; come <= net::DatagramsActor::kOthersMax; come += kAtOnce) {
    std::vector<base::PublicKey> keys(kAtOnce);
    street.stranger.heard.clear();
    for (auto& key : keys) {
      key = random_key(random);
      street.stranger.pretend(key);
      street.stranger.send(1, street.stranger.question(1), 0ms);
    }
    street.cluster.stage.run_for(200ms);
    const auto cookies = std::move(street.stranger.heard);
    REQUIRE(cookies.size() == kAtOnce);
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      const auto head = net::read_head(cookies[i].bytes);
      street.stranger.pretend(keys[i]);
      street.stranger.send(1, street.stranger.question(1, std::get<net::CookieReply>(head.value()).cookie), 0ms);
    }
    street.cluster.stage.run_for(200ms);
  }
  CHECK(street.run > static_cast<int>(net::DatagramsActor::kOthersMax));
  CHECK(street.count(&DatagramCounts::getServing) == net::DatagramsActor::kServedOfOneMax);
  street.stranger.pretend(busy);
  street.stranger.heard.clear();
  street.stranger.send(1, street.stranger.question(1, cookie, slow));
  REQUIRE(street.stranger.heard.size() == 1);
  CHECK(street.stranger.error_in(1, street.stranger.heard[0].bytes) == Code::overloaded);
  street.cluster.cluster.inside(1, [](Scripted& self) { self.tell<Latest>(self.node().find("/slow"), number(0)); });
}

TEST_CASE("datagrams: a question of a kind that is for links alone is not run, and its asker is sent to a link") {
  HostileStreet street;
  int run = 0;
  street.cluster.cluster.serve<Order>(1, "shop", [&](Scripted&, Handlers& on) {
    on.ask<Order, Number>([&](Order::Reader, Reply<Number> reply) {
      ++run;
      reply.done();
    });
  });
  const Cookie cookie = street.stranger.cookie(1);
  const Envelope order = Envelope::build<Order>({}, [](auto) {});
  street.stranger.send(
      1, street.stranger.question(1, cookie, {.path = "/shop", .envelope = order, .kind = order.kind_id()}));
  REQUIRE(street.stranger.heard.size() == 1);
  CHECK(street.stranger.type_in(1, street.stranger.heard[0].bytes) == AnswerType::too_large);
  CHECK(run == 0);
  CHECK(street.count(&DatagramCounts::getServing) == 0);
}

TEST_CASE("datagrams: a question without a deadline is not run once it is no longer counted") {
  HostileStreet street;
  const Cookie cookie = street.stranger.cookie(1);
  const auto actor = street.cluster[1].node.find("/count")->id();
  street.cluster.stage.park(actor);
  for (const std::uint64_t remaining_us : {std::uint64_t{0}, ~std::uint64_t{0}})
    street.stranger.send(1, street.stranger.question(1, cookie, {.remaining_us = remaining_us}));
  CHECK(street.count(&DatagramCounts::getServing) == 2);
  street.cluster.stage.run_for(net::Datagrams::kServedFor + 2s);
  CHECK(street.count(&DatagramCounts::getServing) == 0);
  street.cluster.stage.unpark(actor);
  street.cluster.stage.run_for(1s);
  CHECK(street.run == 0);
}

TEST_CASE("datagrams: a question that opens a stream opens none") {
  HostileStreet street;
  int opened = 0;
  street.cluster.cluster.serve<Order, Parcel, Number>(1, "shop", [&](Scripted&, Handlers& on) {
    on.stream<Order, Parcel>([&](Order::Reader, runtime::Sink<Parcel>) { ++opened; });
    on.intake<Number, Parcel, Number>([&](Number::Reader, runtime::Intake<Parcel, Number>) { ++opened; });
  });
  const Cookie cookie = street.stranger.cookie(1);
  const auto ask = [&](const Envelope& envelope) {
    street.stranger.heard.clear();
    RemotePeer::Words words{.path = "/shop", .envelope = envelope, .kind = envelope.kind_id()};
    street.stranger.send(1, street.stranger.question(1, cookie, words));
    REQUIRE(street.stranger.heard.size() == 1);
    return street.stranger.heard[0].bytes;
  };
  CHECK(street.stranger.type_in(1, ask(Envelope::build<Order>({}, [](auto) {}))) == AnswerType::too_large);
  CHECK(street.stranger.error_in(1, ask(Envelope::build<Number>({}, [](auto) {}))) == Code::unsupported);
  CHECK(opened == 0);
  CHECK(street.count(&DatagramCounts::getServing) == 0);
}
