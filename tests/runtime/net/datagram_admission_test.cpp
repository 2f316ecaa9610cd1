#include "runtime/net/logic/datagram_admission.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/ensure.hpp"
#include "runtime/base/random.hpp"
#include "tests/runtime/crypto/memory_disk.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using net::AdmissionLimits;
using net::AgreeFirst;
using net::Cookie;
using net::Decision;
using net::Drop;
using net::DropReason;
using net::Open;
using net::QuestionHead;
using net::SendCookie;
using net::Welcome;
using troupe::test::kStart;

namespace {

const base::Endpoint kServer = *base::Endpoint::parse("192.0.2.1:4000");
const base::Endpoint kThere = *base::Endpoint::parse("198.51.100.1:4000");

AdmissionLimits easy() {
  AdmissionLimits out;
  out.work_bits = 0;
  return out;
}

base::PublicKey key_with(std::uint8_t lowest) {
  base::PublicKey out;
  out.bytes[0] = lowest;
  return out;
}

/// A question with a token of its own.
QuestionHead head(std::uint8_t sender, const Cookie& cookie = {}) {
  static std::uint32_t heads = 0;
  QuestionHead out;
  out.sender = key_with(sender);
  out.cookie = cookie;
  ++heads;
  for (std::size_t i = 0; i < sizeof heads; ++i) out.token.bytes[i] = static_cast<std::uint8_t>(heads >> 8 * i);
  return out;
}

/// The admission of a node with the key 0xff.
struct AdmissionFixture {
  explicit AdmissionFixture(AdmissionLimits limits = easy())
      : admission(key_with(0xff), limits, chance, kStart,
                  [this](const base::NodeId& id) { return banned.contains(id); }) {}

  tests::SeededChance chance{1};
  std::set<base::NodeId> banned{};
  net::DatagramAdmission admission;
  base::Instant now = kStart;

  Decision decide(const base::Endpoint& from, const QuestionHead& question) {
    return admission.decide(from, question, now);
  }
  Cookie cookie(const base::Endpoint& from, std::uint8_t sender) {
    return std::get<SendCookie>(decide(from, head(sender))).reply.cookie;
  }
  /// Lets the unknown node `sender` in from `from`.
  void let_in(const base::Endpoint& from, std::uint8_t sender) {
    const QuestionHead question = head(sender, cookie(from, sender));
    const Decision decision = decide(from, question);
    REQUIRE(std::holds_alternative<AgreeFirst>(decision));
    REQUIRE(admission.welcome(from, question, std::get<AgreeFirst>(decision), {}, now) == Welcome::answer);
  }
  std::optional<DropReason> dropped(const base::Endpoint& from, const QuestionHead& question) {
    const Decision decision = decide(from, question);
    const Drop* const drop = std::get_if<Drop>(&decision);
    return drop == nullptr ? std::nullopt : std::optional(drop->why);
  }
};

}  // namespace

TEST_CASE("net: a stranger proves its address, then is agreed with, then is known") {
  AdmissionFixture fixture;
  const QuestionHead question = head(1);
  const Decision first = fixture.decide(kServer, question);
  REQUIRE(std::holds_alternative<SendCookie>(first));
  CHECK(std::get<SendCookie>(first).reply.token == question.token);
  const Cookie cookie = std::get<SendCookie>(first).reply.cookie;

  const QuestionHead second = head(1, cookie);
  const Decision agree = fixture.decide(kServer, second);
  REQUIRE(std::holds_alternative<AgreeFirst>(agree));
  CHECK(std::get<AgreeFirst>(agree).id == crypto::node_id(key_with(1), 0));
  CHECK(fixture.admission.find(key_with(1)) == nullptr);  // what did not open has left nothing
  crypto::DatagramKeys keys;
  keys.send.bytes[0] = 5;
  CHECK(fixture.admission.welcome(kServer, second, std::get<AgreeFirst>(agree), keys, fixture.now) == Welcome::answer);

  const Decision third = fixture.decide(kServer, head(1));  // needs no cookie any more
  REQUIRE(std::holds_alternative<Open>(third));
  CHECK(std::get<Open>(third).session->id == crypto::node_id(key_with(1), 0));
  CHECK(std::get<Open>(third).session->keys.send.bytes[0] == 5);
  CHECK(fixture.admission.welcome(kServer, head(1), fixture.now) == Welcome::answer);
  const net::AdmissionCounters expected{
      .opens = 1, .agreements = 1, .cookies = 1, .drops = {}, .welcome = 2, .too_many = 0, .repeated = 0};
  CHECK(fixture.admission.counters() == expected);
}

TEST_CASE("net: a cookie of another key, address or time is answered with a new one") {
  AdmissionFixture fixture;
  const Cookie cookie = fixture.cookie(kServer, 1);
  CHECK(std::holds_alternative<SendCookie>(fixture.decide(kThere, head(1, cookie))));
  CHECK(std::holds_alternative<SendCookie>(fixture.decide(kServer, head(2, cookie))));
  fixture.now = kStart + 2 * net::kSecretKept;
  const Decision late = fixture.decide(kServer, head(1, cookie));
  REQUIRE(std::holds_alternative<SendCookie>(late));
  CHECK(std::get<SendCookie>(late).reply.cookie != cookie);
}

TEST_CASE("net: a known node at a new address proves that address") {
  AdmissionFixture fixture;
  fixture.let_in(kServer, 1);
  CHECK(std::holds_alternative<SendCookie>(fixture.decide(kThere, head(1))));
  const QuestionHead moved = head(1, fixture.cookie(kThere, 1));
  REQUIRE(std::holds_alternative<Open>(fixture.decide(kThere, moved)));  // without a curve

  SUBCASE("a question that did not open moves no session") {
    CHECK(std::holds_alternative<SendCookie>(fixture.decide(kThere, head(1))));
    CHECK(std::holds_alternative<Open>(fixture.decide(kServer, head(1))));
  }
  SUBCASE("what opened moves its node, and the old address counts no more") {
    CHECK(fixture.admission.welcome(kThere, moved, fixture.now) == Welcome::answer);
    CHECK(std::holds_alternative<Open>(fixture.decide(kThere, head(1))));
    CHECK(std::holds_alternative<SendCookie>(fixture.decide(kServer, head(1))));
  }
}

TEST_CASE("net: an address is proven for ten minutes, which its own questions do not prolong") {
  AdmissionFixture fixture;
  fixture.let_in(kServer, 1);
  fixture.now = kStart + net::kProofKept - 1ns;
  REQUIRE(std::holds_alternative<Open>(fixture.decide(kServer, head(1))));
  SUBCASE("it opened just before the end") {
    CHECK(fixture.admission.welcome(kServer, head(1), fixture.now) == Welcome::answer);
  }
  SUBCASE("it was opened just after the end") {
    CHECK(fixture.admission.welcome(kServer, head(1), kStart + net::kProofKept) == Welcome::answer);
  }
  fixture.now = kStart + net::kProofKept;
  CHECK(std::holds_alternative<SendCookie>(fixture.decide(kServer, head(1))));
}

TEST_CASE("net: an id without its work is dropped, after its address is proven and before any curve") {
  AdmissionLimits limits = easy();
  limits.work_bits = 8;
  AdmissionFixture fixture(limits);
  const auto nonce = crypto::grind(key_with(1), 8);
  REQUIRE(nonce.has_value());
  QuestionHead lazy = head(1);
  lazy.work_nonce = *nonce + 1;
  while (crypto::check(key_with(1), lazy.work_nonce, 8)) ++lazy.work_nonce;
  CHECK(std::holds_alternative<SendCookie>(fixture.decide(kServer, lazy)));
  lazy.cookie = fixture.cookie(kServer, 1);
  CHECK(fixture.dropped(kServer, lazy) == DropReason::lacks_work);

  QuestionHead good = lazy;
  good.work_nonce = *nonce;
  const Decision decision = fixture.decide(kServer, good);
  REQUIRE(std::holds_alternative<AgreeFirst>(decision));
  REQUIRE(fixture.admission.welcome(kServer, good, std::get<AgreeFirst>(decision), {}, fixture.now) == Welcome::answer);
  good.cookie = {};
  CHECK(std::holds_alternative<Open>(fixture.decide(kServer, good)));
  CHECK(fixture.dropped(kServer, lazy) == DropReason::lacks_work);  // the same key with another nonce is another id
}

TEST_CASE("net: a question with our own key is dropped") {
  AdmissionFixture fixture;
  CHECK(fixture.dropped(kServer, head(0xff)) == DropReason::own_key);
}

TEST_CASE("net: who is banned is dropped, known or not, and takes nothing from the budget of its neighbours") {
  AdmissionLimits limits = easy();
  limits.agreements = {16, 16};
  AdmissionFixture fixture(limits);
  fixture.let_in(kServer, 1);
  for (const std::uint8_t sender : {std::uint8_t{1}, std::uint8_t{2}})
    fixture.banned.insert(crypto::node_id(key_with(sender), 0));
  CHECK(fixture.dropped(kServer, head(1)) == DropReason::banned);
  const QuestionHead stranger = head(2, fixture.cookie(kServer, 2));
  for (int i = 0; i < 100; ++i) CHECK(fixture.dropped(kServer, stranger) == DropReason::banned);
  fixture.let_in(kServer, 3);
  fixture.banned.clear();
  CHECK(std::holds_alternative<Open>(fixture.decide(kServer, head(1))));
}

TEST_CASE("net: a question from an impossible address is dropped, and gets no cookie") {
  AdmissionFixture fixture;
  base::Endpoint nowhere = kServer;
  nowhere.port = 0;
  CHECK(fixture.dropped(nowhere, head(1)) == DropReason::bad_address);
  CHECK(fixture.dropped(base::Endpoint{.address = {}, .port = 4000}, head(1)) == DropReason::bad_address);
}

TEST_CASE("net: strangers beyond the budget are dropped, and who is known does not notice") {
  AdmissionLimits limits = easy();
  limits.agreements = {16, 64};
  AdmissionFixture fixture(limits);
  fixture.let_in(kServer, 1);
  const QuestionHead forged = head(2, fixture.cookie(kServer, 2));
  int agreed = 1;
  while (std::holds_alternative<AgreeFirst>(fixture.decide(kServer, forged))) ++agreed;  // paid, opened or not
  CHECK(agreed == 33);                                                                   // its share binds at half
  CHECK(fixture.dropped(kServer, forged) == DropReason::agreements);
  CHECK(std::holds_alternative<AgreeFirst>(fixture.decide(kThere, head(4, fixture.cookie(kThere, 4)))));
  CHECK(std::holds_alternative<Open>(fixture.decide(kServer, head(1))));
  CHECK(fixture.admission.counters().drops == std::array<std::uint64_t, net::kDropReasons>{0, 0, 2});
  fixture.now = kStart + 1s;
  CHECK(std::holds_alternative<AgreeFirst>(fixture.decide(kServer, forged)));
}

TEST_CASE("net: a question that does not open costs its key one agreement, however often it is said") {
  AdmissionLimits limits = easy();
  limits.agreements = {16, 16};
  AdmissionFixture fixture(limits);
  const QuestionHead forged = head(1, fixture.cookie(kServer, 1));
  const auto agreed_first = [&](const base::Endpoint& from, const QuestionHead& question) {
    const Decision decision = fixture.decide(from, question);
    REQUIRE(std::holds_alternative<AgreeFirst>(decision));
    return std::get<AgreeFirst>(decision).agreed;
  };
  CHECK(agreed_first(kServer, forged) == nullptr);
  crypto::DatagramKeys keys;
  keys.send.bytes[0] = 5;

  SUBCASE("its keys are at hand, until one opens") {
    fixture.admission.did_not_open(key_with(1), keys);
    for (int i = 0; i < 3; ++i) {
      const auto* const agreed = agreed_first(kServer, forged);
      REQUIRE(agreed != nullptr);
      CHECK(agreed->send.bytes[0] == 5);
    }
    CHECK(fixture.admission.counters().agreements == 1);
    const QuestionHead right = head(1, fixture.cookie(kThere, 1));
    const Decision decision = fixture.decide(kThere, right);
    CHECK(fixture.admission.welcome(kThere, right, std::get<AgreeFirst>(decision),
                                    *std::get<AgreeFirst>(decision).agreed, fixture.now) == Welcome::answer);
    CHECK(std::get<Open>(fixture.decide(kServer, forged)).session->keys.send.bytes[0] == 5);
  }
  SUBCASE("what is no key is dropped") {
    fixture.admission.did_not_open(key_with(1), std::nullopt);
    CHECK(fixture.dropped(kServer, forged) == DropReason::bad_key);
  }
  SUBCASE("as many are kept as may be") {
    fixture.admission.did_not_open(key_with(1), keys);
    for (std::size_t i = 0; i < net::kTriedMax; ++i) {
      base::PublicKey other;
      other.bytes[1] = 1;
      other.bytes[2] = static_cast<std::uint8_t>(i);
      fixture.admission.did_not_open(other, keys);
    }
    CHECK(agreed_first(kServer, forged) == nullptr);
  }
}

TEST_CASE("net: a node that asks more than it may is dropped after its questions opened") {
  AdmissionLimits limits = easy();
  limits.questions = {16, 64};
  AdmissionFixture fixture(limits);
  fixture.let_in(kServer, 1);
  int answered = 1;
  while (fixture.admission.welcome(kServer, head(1), fixture.now) == Welcome::answer) ++answered;
  CHECK(answered == 33);  // its share binds at half
  CHECK(fixture.admission.counters().too_many == 1);
  fixture.let_in(kThere, 2);  // others are answered
  CHECK(fixture.admission.welcome(kServer, head(1), fixture.now) == Welcome::too_many);
  CHECK(fixture.admission.welcome(kServer, head(1), kStart + 2s) == Welcome::answer);
}

TEST_CASE("net: a replayed question is dropped, and costs its author nothing") {
  AdmissionLimits limits = easy();
  limits.questions = {16, 16};
  AdmissionFixture fixture(limits);
  fixture.let_in(kServer, 1);
  const QuestionHead question = head(1);
  CHECK(fixture.admission.welcome(kServer, question, fixture.now) == Welcome::answer);
  for (int i = 0; i < 10; ++i) CHECK(fixture.admission.welcome(kServer, question, fixture.now) == Welcome::repeated);
  CHECK(fixture.admission.counters().repeated == 10);
  CHECK(fixture.admission.welcome(kServer, head(1), fixture.now) == Welcome::answer);
}

TEST_CASE("net: another id of a known key costs no agreement, and gains neither a rate nor a place") {
  AdmissionLimits limits = easy();
  limits.questions = {16, 64};
  AdmissionFixture fixture(limits);
  fixture.let_in(kServer, 1);
  QuestionHead other = head(1, fixture.cookie(kThere, 1));
  other.work_nonce = 1;
  const auto welcome = [&](const base::Endpoint& from) {
    const Decision decision = fixture.decide(from, other);
    REQUIRE(std::holds_alternative<AgreeFirst>(decision));
    const AgreeFirst first = std::get<AgreeFirst>(decision);
    REQUIRE(first.agreed != nullptr);
    const crypto::DatagramKeys keys = *first.agreed;
    return fixture.admission.welcome(from, other, first, keys, fixture.now);
  };
  CHECK(welcome(kThere) == Welcome::answer);
  CHECK(fixture.admission.find(key_with(1))->id == crypto::node_id(key_with(1), 1));
  const auto more = [&] {
    QuestionHead out = head(1);
    out.work_nonce = 1;
    return out;
  };
  while (fixture.admission.welcome(kThere, more(), fixture.now) == Welcome::answer) continue;
  other = head(1, fixture.cookie(kServer, 1));
  CHECK(welcome(kServer) == Welcome::too_many);
  CHECK(fixture.admission.sessions() == 1);
  CHECK(fixture.admission.counters().agreements == 1);

  fixture.admission.meet(key_with(1), 2, crypto::node_id(key_with(1), 2), {});  // gossip says so
  other.work_nonce = 2;
  CHECK(fixture.admission.welcome(kServer, other, fixture.now) == Welcome::too_many);
}

TEST_CASE("net: a node that we ask has a session, and its answer proves its address") {
  AdmissionFixture fixture;
  const auto& session = fixture.admission.meet(key_with(1), 7, crypto::node_id(key_with(1), 7), {});
  CHECK_FALSE(session.proven.has_value());
  QuestionHead question = head(1);
  question.work_nonce = 7;
  CHECK(std::holds_alternative<SendCookie>(fixture.decide(kServer, question)));
  fixture.admission.answered(kServer, key_with(1), fixture.now);
  CHECK(std::holds_alternative<Open>(fixture.decide(kServer, question)));

  SUBCASE("an answer that was passed on does not move it") {
    fixture.admission.answered(kThere, key_with(1), fixture.now);
    CHECK(std::holds_alternative<Open>(fixture.decide(kServer, question)));
    CHECK(std::holds_alternative<SendCookie>(fixture.decide(kThere, question)));
  }
  SUBCASE("once the proof is old, any answer makes a new one") {
    fixture.now = kStart + net::kProofKept;
    fixture.admission.answered(kThere, key_with(1), fixture.now);
    CHECK(std::holds_alternative<Open>(fixture.decide(kThere, question)));
  }
  SUBCASE("meeting it again forgets nothing") {
    fixture.admission.meet(key_with(1), 7, crypto::node_id(key_with(1), 7), {});
    CHECK(std::holds_alternative<Open>(fixture.decide(kServer, question)));
  }
  SUBCASE("an answer of one that was forgotten is no news") {
    fixture.admission.answered(kServer, key_with(2), fixture.now);
    CHECK(fixture.admission.find(key_with(2)) == nullptr);
  }
}

TEST_CASE("net: sessions are bounded, and one that was forgotten is a stranger again") {
  AdmissionLimits limits = easy();
  limits.sessions_max = 4;  // two of them for strangers
  AdmissionFixture fixture(limits);
  fixture.let_in(kServer, 1);
  fixture.let_in(kServer, 2);
  CHECK(fixture.admission.welcome(kServer, head(1), fixture.now) == Welcome::answer);
  fixture.let_in(kServer, 3);
  CHECK(fixture.admission.sessions() == 2);
  CHECK(std::holds_alternative<Open>(fixture.decide(kServer, head(1))));
  CHECK(std::holds_alternative<SendCookie>(fixture.decide(kServer, head(2))));
  CHECK_THROWS_AS(fixture.admission.welcome(kServer, head(2), fixture.now), base::InvariantBroken);

  SUBCASE("but strangers do not make us forget who has answered us") {
    fixture.admission.meet(key_with(4), 0, crypto::node_id(key_with(4), 0), {});
    fixture.admission.answered(kServer, key_with(4), fixture.now);
    for (std::uint8_t i = 5; i < 10; ++i) fixture.let_in(kServer, i);
    CHECK(std::holds_alternative<Open>(fixture.decide(kServer, head(4))));
  }
}

TEST_CASE("net: no address that is not proven is sent more than it sent") {
  // Any sequence of senders and addresses: an opened question comes from an address that showed its cookie within the
  // time for which a proof is kept; every other question gets a cookie.
  const bool held = rc::check([] {
    AdmissionFixture fixture;
    base::Random random(*rc::gen::arbitrary<std::uint64_t>());
    using Who = std::pair<std::uint8_t, base::Endpoint>;
    std::vector<std::pair<Who, Cookie>> cookies;
    std::vector<std::pair<Who, base::Instant>> shown;
    const auto proven = [&](const Who& who) {
      return std::ranges::any_of(
          shown, [&](const auto& entry) { return entry.first == who && fixture.now < entry.second + net::kProofKept; });
    };
    for (int step = 0; step < 300; ++step) {
      fixture.now = fixture.now + std::chrono::seconds(random.below(random.chance(1, 20) ? 700 : 3));
      const Who who{static_cast<std::uint8_t>(1 + random.below(3)), random.chance(1, 2) ? kServer : kThere};
      QuestionHead question = head(who.first);
      if (!cookies.empty() && random.chance(1, 2)) question.cookie = cookies[random.below(cookies.size())].second;
      const bool had_cookie = std::ranges::any_of(
          cookies, [&](const auto& entry) { return entry.first == who && entry.second == question.cookie; });
      const Decision decision = fixture.decide(who.second, question);
      if (const auto* const send = std::get_if<SendCookie>(&decision)) {
        std::array<std::uint8_t, net::kDatagramBytesMax> out;
        RC_ASSERT(net::write_cookie(out, send->reply) <= net::kQuestionBytesMin);
        cookies.emplace_back(who, send->reply.cookie);
        continue;
      }
      if (had_cookie) shown.emplace_back(who, fixture.now);
      RC_ASSERT(proven(who));
      if (random.chance(1, 4)) continue;  // was forged
      if (std::holds_alternative<Open>(decision)) fixture.admission.welcome(who.second, question, fixture.now);
      else fixture.admission.welcome(who.second, question, std::get<AgreeFirst>(decision), {}, fixture.now);
    }
  });
  CHECK(held);
}
