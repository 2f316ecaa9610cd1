#include "runtime/net/logic/doorkeeper.hpp"

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

using namespace troupe;
using namespace std::chrono_literals;
using net::AgreeFirst;
using net::Cookie;
using net::Decision;
using net::DoorLimits;
using net::Drop;
using net::DropReason;
using net::Open;
using net::QuestionHead;
using net::SendCookie;
using net::Welcome;

namespace {

constexpr base::Instant kStart{1000s};
const base::Endpoint kHere = *base::Endpoint::parse("192.0.2.1:4000");
const base::Endpoint kThere = *base::Endpoint::parse("198.51.100.1:4000");

DoorLimits easy() {
  DoorLimits out;
  out.work_bits = 0;
  return out;
}

base::PublicKey key(std::uint8_t lowest) {
  base::PublicKey out;
  out.bytes[0] = lowest;
  return out;
}

/// A question with a token of its own.
QuestionHead head(std::uint8_t sender, const Cookie& cookie = {}) {
  static std::uint32_t heads = 0;
  QuestionHead out;
  out.sender = key(sender);
  out.cookie = cookie;
  ++heads;
  for (std::size_t i = 0; i < sizeof heads; ++i) out.token.bytes[i] = static_cast<std::uint8_t>(heads >> 8 * i);
  return out;
}

/// A door behind which a node with the key 0xff lives.
struct Door {
  explicit Door(DoorLimits limits = easy())
      : keeper(key(0xff), limits, chance, kStart, [this](const base::NodeId& id) { return banned.contains(id); }) {}

  tests::SeededChance chance{1};
  std::set<base::NodeId> banned{};
  net::Doorkeeper keeper;
  base::Instant now = kStart;

  Decision decide(const base::Endpoint& from, const QuestionHead& question) {
    return keeper.decide(from, question, now);
  }
  Cookie cookie(const base::Endpoint& from, std::uint8_t sender) {
    return std::get<SendCookie>(decide(from, head(sender))).reply.cookie;
  }
  /// Lets `sender` in from `from`, as far as a stranger gets.
  void let_in(const base::Endpoint& from, std::uint8_t sender) {
    const QuestionHead question = head(sender, cookie(from, sender));
    const Decision decision = decide(from, question);
    REQUIRE(std::holds_alternative<AgreeFirst>(decision));
    REQUIRE(keeper.welcome(from, question, std::get<AgreeFirst>(decision), {}, now) == Welcome::answer);
  }
  std::optional<DropReason> dropped(const base::Endpoint& from, const QuestionHead& question) {
    const Decision decision = decide(from, question);
    const Drop* const drop = std::get_if<Drop>(&decision);
    return drop == nullptr ? std::nullopt : std::optional(drop->why);
  }
};

}  // namespace

TEST_CASE("net: a stranger proves its address, then is agreed with, then is known") {
  Door door;
  const QuestionHead question = head(1);
  const Decision first = door.decide(kHere, question);
  REQUIRE(std::holds_alternative<SendCookie>(first));
  CHECK(std::get<SendCookie>(first).reply.token == question.token);
  const Cookie cookie = std::get<SendCookie>(first).reply.cookie;

  const QuestionHead second = head(1, cookie);
  const Decision agree = door.decide(kHere, second);
  REQUIRE(std::holds_alternative<AgreeFirst>(agree));
  CHECK(std::get<AgreeFirst>(agree).id == crypto::node_id(key(1), 0));
  CHECK(door.keeper.find(key(1)) == nullptr);  // what did not open has left nothing
  crypto::DatagramKeys keys;
  keys.send.bytes[0] = 5;
  CHECK(door.keeper.welcome(kHere, second, std::get<AgreeFirst>(agree), keys, door.now) == Welcome::answer);

  const Decision third = door.decide(kHere, head(1));  // needs no cookie any more
  REQUIRE(std::holds_alternative<Open>(third));
  CHECK(std::get<Open>(third).session->id == crypto::node_id(key(1), 0));
  CHECK(std::get<Open>(third).session->keys.send.bytes[0] == 5);
  CHECK(door.keeper.welcome(kHere, head(1), door.now) == Welcome::answer);
  const net::DoorCounters expected{
      .opens = 1, .agreements = 1, .cookies = 1, .drops = {}, .welcome = 2, .too_many = 0, .repeated = 0};
  CHECK(door.keeper.counters() == expected);
}

TEST_CASE("net: a cookie of another key, address or time is answered with a new one") {
  Door door;
  const Cookie cookie = door.cookie(kHere, 1);
  CHECK(std::holds_alternative<SendCookie>(door.decide(kThere, head(1, cookie))));
  CHECK(std::holds_alternative<SendCookie>(door.decide(kHere, head(2, cookie))));
  door.now = kStart + 2 * net::kSecretKept;
  const Decision late = door.decide(kHere, head(1, cookie));
  REQUIRE(std::holds_alternative<SendCookie>(late));
  CHECK(std::get<SendCookie>(late).reply.cookie != cookie);
}

TEST_CASE("net: whoever is known and comes from elsewhere proves the new address") {
  Door door;
  door.let_in(kHere, 1);
  CHECK(std::holds_alternative<SendCookie>(door.decide(kThere, head(1))));
  const QuestionHead moved = head(1, door.cookie(kThere, 1));
  REQUIRE(std::holds_alternative<Open>(door.decide(kThere, moved)));  // without a curve

  SUBCASE("what did not open moves nobody") {
    CHECK(std::holds_alternative<SendCookie>(door.decide(kThere, head(1))));
    CHECK(std::holds_alternative<Open>(door.decide(kHere, head(1))));
  }
  SUBCASE("what opened moves its node, and the old address counts no more") {
    CHECK(door.keeper.welcome(kThere, moved, door.now) == Welcome::answer);
    CHECK(std::holds_alternative<Open>(door.decide(kThere, head(1))));
    CHECK(std::holds_alternative<SendCookie>(door.decide(kHere, head(1))));
  }
}

TEST_CASE("net: an address is proven for ten minutes, which its own questions do not prolong") {
  Door door;
  door.let_in(kHere, 1);
  door.now = kStart + net::kProofKept - 1ns;
  REQUIRE(std::holds_alternative<Open>(door.decide(kHere, head(1))));
  SUBCASE("it opened just before the end") { CHECK(door.keeper.welcome(kHere, head(1), door.now) == Welcome::answer); }
  SUBCASE("it was opened just after the end") {
    CHECK(door.keeper.welcome(kHere, head(1), kStart + net::kProofKept) == Welcome::answer);
  }
  door.now = kStart + net::kProofKept;
  CHECK(std::holds_alternative<SendCookie>(door.decide(kHere, head(1))));
}

TEST_CASE("net: an id without its work is dropped, after its address is proven and before any curve") {
  DoorLimits limits = easy();
  limits.work_bits = 8;
  Door door(limits);
  const auto nonce = crypto::grind(key(1), 8);
  REQUIRE(nonce.has_value());
  QuestionHead lazy = head(1);
  lazy.work_nonce = *nonce + 1;
  while (crypto::check(key(1), lazy.work_nonce, 8)) ++lazy.work_nonce;
  CHECK(std::holds_alternative<SendCookie>(door.decide(kHere, lazy)));
  lazy.cookie = door.cookie(kHere, 1);
  CHECK(door.dropped(kHere, lazy) == DropReason::lacks_work);

  QuestionHead good = lazy;
  good.work_nonce = *nonce;
  const Decision decision = door.decide(kHere, good);
  REQUIRE(std::holds_alternative<AgreeFirst>(decision));
  REQUIRE(door.keeper.welcome(kHere, good, std::get<AgreeFirst>(decision), {}, door.now) == Welcome::answer);
  good.cookie = {};
  CHECK(std::holds_alternative<Open>(door.decide(kHere, good)));
  CHECK(door.dropped(kHere, lazy) == DropReason::lacks_work);  // the same key with another nonce is another id
}

TEST_CASE("net: whoever says that it is ourselves is dropped") {
  Door door;
  CHECK(door.dropped(kHere, head(0xff)) == DropReason::own_key);
}

TEST_CASE("net: who is banned is dropped, known or not, and takes nothing from the budget of its neighbours") {
  DoorLimits limits = easy();
  limits.curves = {.neighbours_per_second = 1, .neighbours_burst = 2, .all_per_second = 1, .all_burst = 2};
  Door door(limits);
  door.let_in(kHere, 1);
  for (const std::uint8_t sender : {std::uint8_t{1}, std::uint8_t{2}})
    door.banned.insert(crypto::node_id(key(sender), 0));
  CHECK(door.dropped(kHere, head(1)) == DropReason::banned);
  const QuestionHead stranger = head(2, door.cookie(kHere, 2));
  for (int i = 0; i < 10; ++i) CHECK(door.dropped(kHere, stranger) == DropReason::banned);
  door.let_in(kHere, 3);
  door.banned.clear();
  CHECK(std::holds_alternative<Open>(door.decide(kHere, head(1))));
}

TEST_CASE("net: what comes from where nobody can be is dropped, and gets no cookie") {
  Door door;
  base::Endpoint nowhere = kHere;
  nowhere.port = 0;
  CHECK(door.dropped(nowhere, head(1)) == DropReason::bad_address);
  CHECK(door.dropped(base::Endpoint{.address = {}, .port = 4000}, head(1)) == DropReason::bad_address);
}

TEST_CASE("net: strangers beyond the budget are dropped, and who is known does not notice") {
  DoorLimits limits = easy();
  limits.curves = {.neighbours_per_second = 1, .neighbours_burst = 2, .all_per_second = 1, .all_burst = 3};
  Door door(limits);
  door.let_in(kHere, 1);
  const QuestionHead forged = head(2, door.cookie(kHere, 2));
  CHECK(std::holds_alternative<AgreeFirst>(door.decide(kHere, forged)));  // paid, whether it opens or not
  CHECK(door.dropped(kHere, forged) == DropReason::neighbours_budget);
  door.let_in(kThere, 3);
  CHECK(door.dropped(kThere, head(4, door.cookie(kThere, 4))) == DropReason::all_budget);
  CHECK(std::holds_alternative<Open>(door.decide(kHere, head(1))));
  CHECK(door.keeper.counters().drops == std::array<std::uint64_t, net::kDropReasons>{0, 0, 1, 1});
  door.now = kStart + 1s;
  CHECK(std::holds_alternative<AgreeFirst>(door.decide(kHere, forged)));
}

TEST_CASE("net: a question that does not open costs its key one agreement, however often it is said") {
  DoorLimits limits = easy();
  limits.curves = {.neighbours_per_second = 1, .neighbours_burst = 1, .all_per_second = 100, .all_burst = 100};
  Door door(limits);
  const QuestionHead forged = head(1, door.cookie(kHere, 1));
  const auto agreed_first = [&](const base::Endpoint& from, const QuestionHead& question) {
    const Decision decision = door.decide(from, question);
    REQUIRE(std::holds_alternative<AgreeFirst>(decision));
    return std::get<AgreeFirst>(decision).agreed;
  };
  CHECK(agreed_first(kHere, forged) == nullptr);
  crypto::DatagramKeys keys;
  keys.send.bytes[0] = 5;

  SUBCASE("its keys are at hand, until one opens") {
    door.keeper.did_not_open(key(1), keys);
    for (int i = 0; i < 3; ++i) {
      const auto* const agreed = agreed_first(kHere, forged);
      REQUIRE(agreed != nullptr);
      CHECK(agreed->send.bytes[0] == 5);
    }
    CHECK(door.keeper.counters().agreements == 1);
    const QuestionHead right = head(1, door.cookie(kThere, 1));
    const Decision decision = door.decide(kThere, right);
    CHECK(door.keeper.welcome(kThere, right, std::get<AgreeFirst>(decision), *std::get<AgreeFirst>(decision).agreed,
                              door.now) == Welcome::answer);
    CHECK(std::get<Open>(door.decide(kHere, forged)).session->keys.send.bytes[0] == 5);
  }
  SUBCASE("what is no key is dropped") {
    door.keeper.did_not_open(key(1), std::nullopt);
    CHECK(door.dropped(kHere, forged) == DropReason::bad_key);
  }
  SUBCASE("as many are kept as may be") {
    door.keeper.did_not_open(key(1), keys);
    for (std::size_t i = 0; i < net::kTriedMax; ++i) {
      base::PublicKey other;
      other.bytes[1] = 1;
      other.bytes[2] = static_cast<std::uint8_t>(i);
      door.keeper.did_not_open(other, keys);
    }
    CHECK(door.dropped(kHere, forged) == DropReason::neighbours_budget);
  }
}

TEST_CASE("net: a node that asks more than it may is dropped after its questions opened") {
  DoorLimits limits = easy();
  limits.questions_per_second = 1;
  limits.questions_burst = 2;
  Door door(limits);
  door.let_in(kHere, 1);
  CHECK(door.keeper.welcome(kHere, head(1), door.now) == Welcome::answer);
  CHECK(door.keeper.welcome(kHere, head(1), door.now) == Welcome::too_many);
  CHECK(door.keeper.counters().too_many == 1);
  door.let_in(kHere, 2);  // others are
  CHECK(door.keeper.welcome(kHere, head(1), kStart + 1s) == Welcome::answer);
}

TEST_CASE("net: a question that somebody says again is dropped, and costs who asked it nothing") {
  DoorLimits limits = easy();
  limits.questions_per_second = 1;
  limits.questions_burst = 3;
  Door door(limits);
  door.let_in(kHere, 1);
  const QuestionHead question = head(1);
  CHECK(door.keeper.welcome(kHere, question, door.now) == Welcome::answer);
  for (int i = 0; i < 10; ++i) CHECK(door.keeper.welcome(kHere, question, door.now) == Welcome::repeated);
  CHECK(door.keeper.counters().repeated == 10);
  CHECK(door.keeper.welcome(kHere, head(1), door.now) == Welcome::answer);
}

TEST_CASE("net: another id of a known key costs no agreement, and gains neither a rate nor a place") {
  DoorLimits limits = easy();
  limits.questions_per_second = 1;
  limits.questions_burst = 2;
  Door door(limits);
  door.let_in(kHere, 1);
  QuestionHead other = head(1, door.cookie(kThere, 1));
  other.work_nonce = 1;
  const auto welcome = [&](const base::Endpoint& from) {
    const Decision decision = door.decide(from, other);
    REQUIRE(std::holds_alternative<AgreeFirst>(decision));
    const AgreeFirst first = std::get<AgreeFirst>(decision);
    REQUIRE(first.agreed != nullptr);
    const crypto::DatagramKeys keys = *first.agreed;
    return door.keeper.welcome(from, other, first, keys, door.now);
  };
  CHECK(welcome(kThere) == Welcome::answer);
  CHECK(door.keeper.find(key(1))->id == crypto::node_id(key(1), 1));
  other = head(1, door.cookie(kHere, 1));
  CHECK(welcome(kHere) == Welcome::too_many);
  CHECK(door.keeper.sessions() == 1);
  CHECK(door.keeper.counters().agreements == 1);

  door.keeper.meet(key(1), 2, crypto::node_id(key(1), 2), {}, door.now);  // gossip says so
  other.work_nonce = 2;
  CHECK(door.keeper.welcome(kHere, other, door.now) == Welcome::too_many);
}

TEST_CASE("net: whom we ask has a session, and its answer proves where it is") {
  Door door;
  const auto& session = door.keeper.meet(key(1), 7, crypto::node_id(key(1), 7), {}, door.now);
  CHECK_FALSE(session.proven.has_value());
  QuestionHead question = head(1);
  question.work_nonce = 7;
  CHECK(std::holds_alternative<SendCookie>(door.decide(kHere, question)));
  door.keeper.answered(kHere, key(1), door.now);
  CHECK(std::holds_alternative<Open>(door.decide(kHere, question)));

  SUBCASE("an answer that was passed on does not move it") {
    door.keeper.answered(kThere, key(1), door.now);
    CHECK(std::holds_alternative<Open>(door.decide(kHere, question)));
    CHECK(std::holds_alternative<SendCookie>(door.decide(kThere, question)));
  }
  SUBCASE("once the proof is old, any answer makes a new one") {
    door.now = kStart + net::kProofKept;
    door.keeper.answered(kThere, key(1), door.now);
    CHECK(std::holds_alternative<Open>(door.decide(kThere, question)));
  }
  SUBCASE("meeting it again forgets nothing") {
    door.keeper.meet(key(1), 7, crypto::node_id(key(1), 7), {}, door.now);
    CHECK(std::holds_alternative<Open>(door.decide(kHere, question)));
  }
  SUBCASE("an answer of one that was forgotten is no news") {
    door.keeper.answered(kHere, key(2), door.now);
    CHECK(door.keeper.find(key(2)) == nullptr);
  }
}

TEST_CASE("net: sessions are bounded, and one that was forgotten is a stranger again") {
  DoorLimits limits = easy();
  limits.sessions_max = 4;  // two of them for strangers
  Door door(limits);
  door.let_in(kHere, 1);
  door.let_in(kHere, 2);
  CHECK(door.keeper.welcome(kHere, head(1), door.now) == Welcome::answer);
  door.let_in(kHere, 3);
  CHECK(door.keeper.sessions() == 2);
  CHECK(std::holds_alternative<Open>(door.decide(kHere, head(1))));
  CHECK(std::holds_alternative<SendCookie>(door.decide(kHere, head(2))));
  CHECK_THROWS_AS(door.keeper.welcome(kHere, head(2), door.now), base::InvariantBroken);

  SUBCASE("but strangers do not make us forget who has answered us") {
    door.keeper.meet(key(4), 0, crypto::node_id(key(4), 0), {}, door.now);
    door.keeper.answered(kHere, key(4), door.now);
    for (std::uint8_t i = 5; i < 10; ++i) door.let_in(kHere, i);
    CHECK(std::holds_alternative<Open>(door.decide(kHere, head(4))));
  }
}

TEST_CASE("net: no address that is not proven is sent more than it sent") {
  // Any story of any senders at any addresses: what is opened comes from an address that has shown its cookie, and no
  // longer ago than a proof is kept; everybody else gets a cookie.
  const bool held = rc::check([] {
    Door door;
    base::Random random(*rc::gen::arbitrary<std::uint64_t>());
    using Who = std::pair<std::uint8_t, base::Endpoint>;
    std::vector<std::pair<Who, Cookie>> cookies;
    std::vector<std::pair<Who, base::Instant>> shown;
    const auto proven = [&](const Who& who) {
      return std::ranges::any_of(
          shown, [&](const auto& entry) { return entry.first == who && door.now < entry.second + net::kProofKept; });
    };
    for (int step = 0; step < 300; ++step) {
      door.now = door.now + std::chrono::seconds(random.below(random.chance(1, 20) ? 700 : 3));
      const Who who{static_cast<std::uint8_t>(1 + random.below(3)), random.chance(1, 2) ? kHere : kThere};
      QuestionHead question = head(who.first);
      if (!cookies.empty() && random.chance(1, 2)) question.cookie = cookies[random.below(cookies.size())].second;
      const bool had_cookie = std::ranges::any_of(
          cookies, [&](const auto& entry) { return entry.first == who && entry.second == question.cookie; });
      const Decision decision = door.decide(who.second, question);
      if (const auto* const send = std::get_if<SendCookie>(&decision)) {
        std::array<std::uint8_t, net::kDatagramBytesMax> out;
        RC_ASSERT(net::write_cookie(out, send->reply) <= net::kQuestionBytesMin);
        cookies.emplace_back(who, send->reply.cookie);
        continue;
      }
      if (had_cookie) shown.emplace_back(who, door.now);
      RC_ASSERT(proven(who));
      if (random.chance(1, 4)) continue;  // was forged
      if (std::holds_alternative<Open>(decision)) door.keeper.welcome(who.second, question, door.now);
      else door.keeper.welcome(who.second, question, std::get<AgreeFirst>(decision), {}, door.now);
    }
  });
  CHECK(held);
}
