#include "actors/registry/logic/vouch.hpp"

#include <doctest/doctest.h>

#include "actors/registry/logic/judges.hpp"
#include "tests/actors/registry/nodes.hpp"

using namespace troupe;
using namespace troupe::registry;

namespace {

constexpr std::uint64_t kHourMs = 3'600'000;

Vouch vouch(const TestNode& judge, const TestNode& node, std::uint64_t unix_ms = kBeginMs) {
  return {.by = judge.identity->public_key(),
          .node = node.id(),
          .unix_ms = unix_ms,
          .seed = {{1, 2, 3}},
          .rounds = 7,
          .answer = {{4, 5, 6}}};
}

constexpr Judges::Named kByOne{.sites = 1}, kByTwo{.sites = 2}, kHere{.sites = 1, .here = true};

/// A judge at an address of its own.
Registration judge(const TestNode& node, std::uint8_t group) {
  Registration out = node.registration();
  out.at.address[14] = group;
  put(out.capabilities, {std::string(kChecksCapability), Flag{}});
  return out;
}

/// This node, two judges, and a node to be judged, all strangers to each other.
struct JudgesFixture {
  TestNode self{1}, a{2}, b{3}, node{4};
  Judges judges{self.id()};
  Registration of = judge(node, 4);
  struct Unseen {};  ///< none of them is in a list yet
  JudgesFixture() { see(); }
  explicit JudgesFixture(Unseen) {}
  void see(std::uint8_t group_of_b = 3) {
    judges.see(judge(self, 1), Status::healthy, kByTwo, kBegin);
    judges.see(judge(a, 2), Status::healthy, kByTwo, kBegin);
    judges.see(judge(b, group_of_b), Status::healthy, kByTwo, kBegin);
    judges.see(of, Status::healthy, kByTwo, kBegin);
  }
  std::uint64_t until(const std::vector<Vouch>& vouches, std::uint64_t at = kBeginMs) const {
    return judges.verified_until(of, vouches, at);
  }
};

}  // namespace

TEST_CASE("vouch: what a judge has signed is read back, and each changed byte and each cut is refused") {
  const TestNode by(1), node(2);
  const Vouch said = vouch(by, node);
  const base::Bytes bytes = sign(said, by.identity->key());
  CHECK(bytes.size() == kVouchBytes);
  REQUIRE(read_vouch(bytes, 0).ok());
  CHECK(read_vouch(bytes, 0).value() == said);
  CHECK(parse_vouch(bytes) == said);
  CHECK(said.judge() == by.id());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    base::Bytes changed = bytes;
    changed[i] ^= 1;
    CHECK_FALSE(read_vouch(changed, 0).ok());
    CHECK_FALSE(read_vouch(base::ByteView(bytes).first(i), 0).ok());
  }
  CHECK(read_vouch(bytes, 32).error() == ReadError::lacks_work);
}

TEST_CASE("judges: two judges of different owners and groups make a node verified, for 24 hours") {
  JudgesFixture it;
  CHECK(it.until({}) == 0);
  CHECK(it.until({vouch(it.a, it.node)}) == 0);
  const std::vector<Vouch> both{vouch(it.a, it.node, kBeginMs - kHourMs), vouch(it.b, it.node)};
  CHECK(it.until(both) == kBeginMs + 23 * kHourMs);
  CHECK(it.until(both, kBeginMs + 23 * kHourMs - 1) > 0);
  CHECK(it.until(both, kBeginMs + 23 * kHourMs) == 0);
  SUBCASE("one judge twice is one") {
    CHECK(it.until({vouch(it.a, it.node), vouch(it.a, it.node, kBeginMs - 1)}) == 0);
  }
  SUBCASE("what is said of another node, or of the future, does not count") {
    CHECK(it.until({vouch(it.a, it.node), vouch(it.b, it.self)}) == 0);
    CHECK(it.until({vouch(it.a, it.node), vouch(it.b, it.node, kBeginMs + kHourMs)}) == 0);
    CHECK(it.until({vouch(it.a, it.node), vouch(it.b, it.node, UINT64_MAX)}) == 0);
  }
  SUBCASE("nor what a node says that is in no list, or checks no other") {
    CHECK(it.until({vouch(it.a, it.node), vouch(TestNode(9), it.node)}) == 0);
    it.judges.see(it.b.registration(), Status::healthy, kByTwo, kBegin);
    CHECK(it.until({vouch(it.a, it.node), vouch(it.b, it.node)}) == 0);
  }
  SUBCASE("two judges of one address group are one") {
    it.see(2);
    CHECK(it.until(both) == 0);
  }
  SUBCASE("nor does a judge of the node's own owner or group count") {
    it.of.owner = *Owner::from(it.a.identity->public_key().view());
    CHECK(it.until(both) == 0);
    it.of = judge(it.node, 2);
    CHECK(it.until(both) == 0);
  }
}

TEST_CASE("judges: this node's own finding is enough, and a wrong answer more than all others") {
  JudgesFixture it;
  it.judges.judged(it.node.id(), Judges::Finding::right, kBeginMs - kHourMs);
  CHECK(it.until({}) == kBeginMs + 23 * kHourMs);
  CHECK(it.until({vouch(it.a, it.node)}) == kBeginMs + 23 * kHourMs);
  CHECK(it.until({vouch(it.self, it.node)}) == kBeginMs + 24 * kHourMs);
  it.judges.judged(it.node.id(), Judges::Finding::wrong, kBeginMs);
  CHECK(it.until({vouch(it.a, it.node), vouch(it.b, it.node)}) == 0);
  CHECK(it.until({vouch(it.a, it.node, kBeginMs + kHourMs), vouch(it.b, it.node, kBeginMs + kHourMs)},
                 kBeginMs + 24 * kHourMs) > 0);

  JudgesFixture after_restart;
  CHECK(after_restart.until({vouch(after_restart.self, after_restart.node)}) > 0);
}

TEST_CASE("judges: a judge of another site that vouches for none takes `verified` from none that this node checks") {
  // A cluster in one address group: what its other nodes say of each other does not count.
  JudgesFixture it(JudgesFixture::Unseen{});
  for (const TestNode* one : {&it.self, &it.a, &it.b})
    it.judges.see(judge(*one, 4), Status::healthy, {.sites = 1, .here = true}, kBegin);
  it.judges.judged(it.node.id(), Judges::Finding::right, kBeginMs);
  REQUIRE(it.until({vouch(it.a, it.node)}) > 0);
  it.judges.see(judge(TestNode(9), 7), Status::healthy, kHere, kBegin);
  CHECK(it.until({vouch(it.a, it.node)}) > 0);
}

TEST_CASE("judges: as many are asked for as there are besides the node") {
  JudgesFixture it;
  SUBCASE("with no other judge this node's own word is enough") {
    it.judges.see(judge(it.a, 2), Status::offline, kByTwo, kBegin);
    it.judges.see(judge(it.b, 3), Status::offline, kByTwo, kBegin);
    CHECK(it.until({}) == 0);
    it.judges.judged(it.node.id(), Judges::Finding::right, kBeginMs);
    CHECK(it.until({}) == kBeginMs + 24 * kHourMs);
  }
  SUBCASE("one that checks no other may be alone with one judge") {
    it.judges.see(it.self.registration(), Status::healthy, kByTwo, kBegin);
    it.judges.see(judge(it.b, 3), Status::offline, kByTwo, kBegin);
    CHECK(it.until({vouch(it.a, it.node)}) > 0);
  }
  SUBCASE("of itself, by the others") {
    const auto own = [&](const std::vector<Vouch>& vouches) {
      return it.judges.verified_until(judge(it.self, 1), vouches, kBeginMs);
    };
    CHECK(own({vouch(it.a, it.self)}) == 0);
    CHECK(own({vouch(it.a, it.self), vouch(it.b, it.self)}) > 0);
    it.judges.see(judge(it.b, 3), Status::offline, kByTwo, kBegin);
    it.judges.see(it.node.registration(), Status::healthy, kByTwo, kBegin);
    CHECK(own({vouch(it.a, it.self)}) > 0);
  }
  SUBCASE("one that was not seen for an hour is not waited for") {
    it.judges.forget(kBegin + Judges::kForgetAfter - 1ns);
    CHECK(it.until({vouch(it.a, it.node)}) == 0);
    it.judges.forget(kBegin + Judges::kForgetAfter);
    it.judges.see(judge(it.a, 2), Status::healthy, kByTwo, kBegin + 1h);
    CHECK(it.until({vouch(it.a, it.node)}) > 0);
  }
}

TEST_CASE("judges: as many judges and findings are remembered as may be") {
  const TestNode self(1);
  Judges judges{self.id()};
  Registration one = judge(TestNode(2), 2);
  for (std::uint32_t i = 0; i <= Judges::kJudgesMax; ++i) {
    one.nonce = i;  // another id
    judges.see(one, Status::healthy, kByTwo, kBegin);
    judges.judged(one.id(), Judges::Finding::right, kBeginMs + i);
  }
  CHECK(judges.verified_until(one, {}, kBeginMs) > 0);
  one.nonce = 0;
  CHECK(judges.verified_until(one, {}, kBeginMs) == 0);  // the oldest finding is gone
}

namespace {

/// As many judges as may be, each at an address and of an owner of its own, that one watcher names.
void make_up(Judges& judges, const TestNode& key, Judges::Named named = kByOne) {
  Registration one = judge(key, 0);
  for (std::uint32_t i = 0; i < Judges::kJudgesMax; ++i) {
    one.nonce = 1'000 + i;
    one.owner.bytes[0] = one.at.address[13] = static_cast<std::uint8_t>(i);
    one.owner.bytes[1] = one.at.address[14] = static_cast<std::uint8_t>(64 + i / 256);
    judges.see(one, Status::healthy, named, kBegin);
  }
}

}  // namespace

TEST_CASE("judges: judges that one watcher makes up keep no other from its place") {
  JudgesFixture it(JudgesFixture::Unseen{});
  const TestNode liar(9);
  const std::vector<Vouch> both{vouch(it.a, it.node), vouch(it.b, it.node)};
  make_up(it.judges, liar);
  CHECK(it.until(both) == 0);
  it.see();
  make_up(it.judges, liar);  // renewed with each list
  CHECK(it.until(both) > 0);
  SUBCASE("one that no more watchers name finds no place, unless this node has found it right") {
    const TestNode late(5);
    it.judges.see(judge(late, 5), Status::healthy, kByOne, kBegin);
    CHECK(it.until({vouch(it.a, it.node), vouch(late, it.node)}) == 0);
    it.judges.judged(late.id(), Judges::Finding::right, kBeginMs);
    it.judges.see(judge(late, 5), Status::healthy, kByOne, kBegin);
    CHECK(it.until({vouch(it.a, it.node), vouch(late, it.node)}) > 0);
  }
}

TEST_CASE("judges: this node itself has a place where all others are named by as many watchers as there are") {
  JudgesFixture it(JudgesFixture::Unseen{});
  make_up(it.judges, TestNode(9), {.sites = 5});
  it.judges.judged(it.b.id(), Judges::Finding::right, kBeginMs);
  it.judges.see(judge(it.b, 3), Status::healthy, kByOne, kBegin);
  const auto all = [&] { return it.until({vouch(it.b, it.node)}); };
  // It is one of two that could judge the node, so that the other one is not enough: it is known only if it has a
  // place.
  it.judges.see(judge(it.self, 1), Status::healthy, kByOne, kBegin);
  CHECK(all() == 0);
  it.judges.see(it.self.registration(), Status::healthy, kByOne, kBegin);
  it.judges.forget(kBegin + Judges::kForgetAfter);
  it.judges.see(judge(it.b, 3), Status::healthy, kByOne, kBegin + Judges::kForgetAfter);
  CHECK(all() > 0);
}

TEST_CASE("judges: one that a single watcher names is not waited for, and is not enough alone") {
  JudgesFixture it(JudgesFixture::Unseen{});
  it.judges.see(judge(it.self, 1), Status::healthy, kByOne, kBegin);
  it.judges.see(judge(it.a, 2), Status::healthy, kByOne, kBegin);
  it.judges.see(judge(it.b, 3), Status::healthy, kByOne, kBegin);
  CHECK(it.until({vouch(it.a, it.node)}) == 0);
  it.judges.judged(it.node.id(), Judges::Finding::right, kBeginMs);
  CHECK(it.until({}) > 0);
  SUBCASE("one that this node watches itself is, as in a network of two") {
    it.judges.judged(it.node.id(), Judges::Finding::right, kBeginMs - 24 * kHourMs);
    it.judges.see(it.self.registration(), Status::healthy, kByOne, kBegin);
    CHECK(it.until({}) == 0);
    it.judges.see(judge(it.a, 2), Status::healthy, kHere, kBegin);
    CHECK(it.until({vouch(it.a, it.node)}) > 0);
  }
}

TEST_CASE("judges: where watchers hear a node counts, and not what it claims") {
  JudgesFixture it;
  const std::vector<Vouch> both{vouch(it.a, it.node), vouch(it.b, it.node)};
  REQUIRE(it.until(both) > 0);
  const auto heard_at = [](std::uint8_t group) {
    base::AddressGroup out;
    out.prefix[14] = group;
    return out;
  };
  const auto see = [&](const TestNode& node, std::uint8_t claims, std::uint8_t group) {
    it.judges.see(judge(node, claims), Status::healthy, {.sites = 2, .site = heard_at(group)}, kBegin);
  };
  see(it.a, 2, 8);
  see(it.b, 3, 8);
  CHECK(it.until(both) == 0);
  see(it.a, 2, 2);
  see(it.b, 2, 3);
  CHECK(it.until(both) > 0);
  CHECK(it.judges.verified_until(it.of, both, kBeginMs, heard_at(3)) == 0);
}

TEST_CASE("judges: that this node watches one makes no less of it than a list did") {
  JudgesFixture it(JudgesFixture::Unseen{});
  it.judges.see(judge(it.a, 2), Status::healthy, {.sites = 4}, kBegin);
  it.judges.see(judge(it.a, 2), Status::healthy, {.here = true}, kBegin);
  make_up(it.judges, TestNode(9), {.sites = 3});
  it.judges.see(judge(it.b, 3), Status::healthy, {.sites = 4}, kBegin);
  CHECK(it.until({vouch(it.a, it.node), vouch(it.b, it.node)}) > 0);
}
