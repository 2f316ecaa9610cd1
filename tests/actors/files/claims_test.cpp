#include "actors/files/logic/claims.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cstring>

#include "actors/files/logic/manifest.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/random.hpp"
#include "tests/actors/files/bytes.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::files;
using namespace std::chrono_literals;

namespace {

const base::NodeId kAnn = node(1), kBob = node(2);
const Claim kAnnsFile = Claim::file(kAnn, cid(10));
const Claim kBobsFile = Claim::file(kBob, cid(10));

/// The rows that a disk would have, so that a restart can be played.
using Disk = std::map<base::Bytes, base::Bytes>;
using troupe::test::kStart;

void write(Disk& disk, const Change& change) {
  for (const Row& row : change.save) disk[row.key] = row.value;
  for (const base::Bytes& key : change.erase) disk.erase(key);
}

void perform(Claims& claims, const ClaimPlan& plan, Disk* disk = nullptr) {
  if (disk != nullptr) write(*disk, plan.change);
  claims.apply(plan);
}

/// Claims and performs; whether the bytes had to be stored.
bool hold(Claims& claims, const Claim& claim, const ContentKey& key, Disk* disk = nullptr) {
  const auto plan = claims.plan_claim(claim, key, key.bytes, Payload::given, kStart);
  REQUIRE(plan.ok());
  perform(claims, plan.value(), disk);
  return !plan.value().store.empty();
}

std::vector<ContentKey> release(Claims& claims, const Claim& claim) {
  const ClaimPlan plan = claims.plan_release(claim);
  perform(claims, plan);
  return plan.drop;
}

ClaimError refused(Claims& claims, const Claim& claim, const ContentKey& key, Payload payload = Payload::given) {
  const auto plan = claims.plan_claim(claim, key, key.bytes, payload, kStart);
  REQUIRE_FALSE(plan.ok());
  return plan.error();
}

}  // namespace

TEST_CASE("claims: a content is stored once, and goes with its last claim") {
  Claims claims;
  CHECK(hold(claims, kAnnsFile, content(0)));
  CHECK_FALSE(hold(claims, kBobsFile, content(0)));
  CHECK(claims.bytes() == 1000);
  CHECK(claims.claims() == 2);
  CHECK(release(claims, kAnnsFile).empty());
  CHECK(claims.has(content(0)));
  CHECK(release(claims, kBobsFile) == std::vector{content(0)});
  CHECK_FALSE(claims.has(content(0)));
  CHECK(claims.bytes() == 0);
  CHECK(claims.claims() == 0);
}

TEST_CASE("claims: a planted bug that drops what others claim is visible") {
  const Planted bug("files.release_ignores_other_claims");
  Claims claims({}, bug);
  hold(claims, kAnnsFile, content(0));
  hold(claims, kBobsFile, content(0));
  CHECK(release(claims, kAnnsFile) == std::vector{content(0)});
}

TEST_CASE("claims: all contents are listed, a page at a time") {
  Claims claims;
  CHECK(claims.list({}, 2).empty());
  for (const ContentKey& key : {content(3), content(1), content(2)}) hold(claims, kAnnsFile, key);
  CHECK(claims.list({}, 2) == std::vector{content(1), content(2)});
  CHECK(claims.list(content(2), 2) == std::vector{content(3)});
  CHECK(claims.list(content(3), 2).empty());
}

TEST_CASE("claims: an owner ends its own claim only") {
  Claims claims;
  hold(claims, kAnnsFile, content(0));
  const ClaimPlan plan = claims.plan_release(kBobsFile);
  CHECK(plan.change.empty());
  CHECK_FALSE(plan.more);
  CHECK(claims.has(content(0), kAnnsFile));
}

TEST_CASE("claims: a claim that comes twice is one claim") {
  Claims claims;
  hold(claims, kAnnsFile, content(0));
  const auto again = claims.plan_claim(kAnnsFile, content(0), 1000, Payload::none, kStart);
  REQUIRE(again.ok());
  CHECK(again.value().change.empty());
  claims.apply(again.value());
  CHECK(claims.claims() == 1);
}

TEST_CASE("claims: without bytes only what is here can be claimed") {
  Claims claims;
  CHECK(refused(claims, kAnnsFile, content(0), Payload::none) == ClaimError::absent);
  hold(claims, kAnnsFile, content(0));
  CHECK(claims.plan_claim(kBobsFile, content(0), 1000, Payload::none, kStart).ok());
}

TEST_CASE("claims: a content counts once against its owner's quota, exactly, and is given back") {
  Claims claims(ClaimsLimits{.quota_bytes = 2500});
  hold(claims, kAnnsFile, content(0));
  hold(claims, Claim::file(kAnn, cid(11)), content(0));
  CHECK(claims.used(kAnn) == 1000);
  hold(claims, kAnnsFile, content(1, 1500));
  CHECK(claims.used(kAnn) == 2500);
  CHECK(refused(claims, kAnnsFile, content(2, 1)) == ClaimError::quota);
  CHECK(hold(claims, kBobsFile, content(2, 1)));  // another owner has a quota of its own
  SUBCASE("sharing is free also when the quota is used up") {
    CHECK_FALSE(hold(claims, Claim::file(kAnn, cid(12)), content(1, 1500)));
  }
  SUBCASE("it is charged until the owner's last claim ends") {
    release(claims, Claim::file(kAnn, cid(11)));
    CHECK(claims.used(kAnn) == 2500);
    release(claims, kAnnsFile);
    CHECK(claims.used(kAnn) == 0);
  }
}

TEST_CASE("claims: plans that are not yet performed count against the quota") {
  Claims claims(ClaimsLimits{.quota_bytes = 1500});
  const auto first = claims.plan_claim(kAnnsFile, content(0), 1000, Payload::given, kStart);
  REQUIRE(first.ok());
  CHECK(refused(claims, kAnnsFile, content(1)) == ClaimError::quota);
  SUBCASE("a failed one gives its share back") {
    claims.abandon(first.value());
    CHECK_FALSE(claims.has(content(0)));
    CHECK(hold(claims, kAnnsFile, content(1)));
  }
  SUBCASE("a performed one keeps it") {
    claims.apply(first.value());
    CHECK(refused(claims, kAnnsFile, content(1)) == ClaimError::quota);
  }
}

TEST_CASE("claims: a content is busy while a plan for it is under way") {
  Claims claims;
  const auto first = claims.plan_claim(kAnnsFile, content(0), 1000, Payload::given, kStart);
  REQUIRE(first.ok());
  CHECK(refused(claims, kBobsFile, content(0)) == ClaimError::busy);
  SUBCASE("a release of that claim is to come again, so that it is not overtaken") {
    CHECK(claims.plan_release(kAnnsFile).more);
    claims.apply(first.value());
    const ClaimPlan plan = claims.plan_release(kAnnsFile);
    CHECK_FALSE(plan.more);
    CHECK(plan.drop.size() == 1);
    // While the content is being dropped nobody can claim it.
    CHECK(refused(claims, kBobsFile, content(0)) == ClaimError::busy);
    claims.apply(plan);
    CHECK(hold(claims, kBobsFile, content(0)));
  }
  SUBCASE("a plan ends once") {
    claims.apply(first.value());
    CHECK_THROWS_AS(claims.abandon(first.value()), base::InvariantBroken);
  }
}

TEST_CASE("claims: a lock or a reservation that outlives its plan is noticed") {
  Claims claims;
  claims.check(0);
  const auto plan = claims.plan_claim(kAnnsFile, content(0), 1000, Payload::given, kStart);
  REQUIRE(plan.ok());
  claims.check(1);
  CHECK_THROWS_AS(claims.check(0), base::InvariantBroken);
  claims.apply(plan.value());
  claims.check(0);
  const ClaimPlan release = claims.plan_release(kAnnsFile);
  CHECK_THROWS_AS(claims.check(0), base::InvariantBroken);
  claims.abandon(release);
  claims.check(0);
}

TEST_CASE("claims: their number and the number on one content have limits") {
  SUBCASE("all") {
    Claims claims(ClaimsLimits{.claims_max = 2});
    hold(claims, kAnnsFile, content(0));
    const auto second = claims.plan_claim(kAnnsFile, content(1), 1000, Payload::given, kStart);
    REQUIRE(second.ok());
    CHECK(refused(claims, kAnnsFile, content(2)) == ClaimError::full);
    claims.abandon(second.value());
    CHECK(hold(claims, kAnnsFile, content(2)));
  }
  SUBCASE("one content") {
    Claims claims(ClaimsLimits{.claims_per_content_max = 1});
    hold(claims, kAnnsFile, content(0));
    CHECK(refused(claims, kBobsFile, content(0)) == ClaimError::full);
  }
}

TEST_CASE("claims: a put's claims become claims for its file, in slices, and again without harm") {
  Claims claims;
  const Claim put = Claim::put(kAnn, put_id(7));
  for (std::uint32_t i = 1; i <= kSliceMax + 1; ++i) hold(claims, put, content(0, i));
  hold(claims, Claim::put(kBob, put_id(7)), content(0, 1));
  const std::uint64_t used = claims.used(kAnn);
  ClaimPlan plan = claims.plan_bind(kAnn, put_id(7), cid(10), kStart);
  CHECK(plan.more);
  CHECK(plan.change.save.size() == kSliceMax);
  perform(claims, plan);
  plan = claims.plan_bind(kAnn, put_id(7), cid(10), kStart);
  CHECK_FALSE(plan.more);
  perform(claims, plan);
  CHECK(claims.plan_bind(kAnn, put_id(7), cid(10), kStart).change.empty());
  CHECK_FALSE(claims.has(put));
  CHECK(claims.has(content(0, 1), kAnnsFile));
  CHECK(claims.has(Claim::put(kBob, put_id(7))));
  CHECK(claims.used(kAnn) == used);
}

TEST_CASE("claims: who ends a file's claim while a bind is about to make it waits for the bind") {
  Claims claims;
  hold(claims, Claim::put(kAnn, put_id(7)), content(0));
  const ClaimPlan bind = claims.plan_bind(kAnn, put_id(7), cid(10), kStart);
  const ClaimPlan early = claims.plan_release(kAnnsFile);
  CHECK(early.change.empty());
  CHECK(early.more);
  SUBCASE("it is done: the claim ends") {
    claims.apply(bind);
    CHECK(release(claims, kAnnsFile).size() == 1);
    CHECK(claims.contents() == 0);
  }
  SUBCASE("it came to nothing: there is none to end") {
    claims.abandon(bind);
    const ClaimPlan late = claims.plan_release(kAnnsFile);
    CHECK(late.change.empty());
    CHECK_FALSE(late.more);
  }
}

TEST_CASE("claims: what a put still had under way when it was released comes too late") {
  Claims claims;
  const Claim put = Claim::put(kAnn, PutId{});
  hold(claims, put, content(1));
  perform(claims, claims.plan_release(put));
  CHECK(claims.plan_claim(put, content(2), 1000, Payload::given, kStart).error() == ClaimError::ended);
  CHECK(claims.plan_bind(kAnn, PutId{}, cid(10), kStart).busy.empty());
  CHECK(claims.claims() == 0);
  CHECK(hold(claims, Claim::put(kBob, PutId{}), content(1)));  // another node's put of that name is another put
  CHECK(hold(claims, kAnnsFile, content(2)));
}

TEST_CASE("claims: of puts that were released the latest are remembered") {
  Claims claims;
  const auto put = [](std::uint32_t number) {
    PutId id;
    std::memcpy(id.bytes.data(), &number, sizeof number);
    return Claim::put(kAnn, id);
  };
  for (std::uint32_t i = 0; i <= kEndedPutsMax; ++i) claims.plan_release(put(i));
  CHECK(claims.plan_claim(put(0), content(1), 1000, Payload::given, kStart).ok());
  CHECK(claims.plan_claim(put(1), content(2), 1000, Payload::given, kStart).error() == ClaimError::ended);
}

TEST_CASE("claims: a put that is not heard of for an hour is to be released") {
  Claims claims;
  const Claim put = Claim::put(kAnn, put_id(7));
  hold(claims, put, content(0));
  CHECK(claims.idle_puts(kStart + 1h - 1ns, 10).empty());
  REQUIRE(claims.plan_claim(put, content(0), 1000, Payload::given, kStart + 30min).ok());
  CHECK(claims.idle_puts(kStart + 1h, 10).empty());
  CHECK(claims.idle_puts(kStart + 90min, 10) == std::vector{put});
  CHECK(claims.idle_puts(kStart + 90min, 0).empty());
  CHECK(release(claims, put).size() == 1);
  CHECK(claims.idle_puts(kStart + 90min, 10).empty());
}

TEST_CASE("claims: rows that this program did not write are refused one by one") {
  Claims claims;
  const auto plan = claims.plan_claim(kAnnsFile, content(0), 1000, Payload::given, kStart);
  REQUIRE(plan.ok());
  const Row good = plan.value().change.save.front();
  claims.abandon(plan.value());
  Row row = good;
  SUBCASE("another kind of row") { row.key[0] = 'x'; }
  SUBCASE("a key cut short") { row.key.pop_back(); }
  SUBCASE("a key too long") { row.key.push_back(0); }
  SUBCASE("an unknown kind of content") { row.key[1] = 2; }
  SUBCASE("a manifest with the length of a chunk in its key") { row.key[1] = 0; }
  SUBCASE("an unknown kind of claim") { row.key[1 + 37 + 20] = 2; }
  SUBCASE("a length that is not the chunk's") { row.value[0] ^= 1; }
  SUBCASE("a value cut short") { row.value.pop_back(); }
  CHECK_FALSE(claims.load(row, kStart).ok());
  CHECK(claims.contents() == 0);
  CHECK(claims.load(good, kStart).ok());
  CHECK(claims.has(content(0), kAnnsFile));
}

TEST_CASE("claims: a row of the store has the documented bytes") {
  Claims claims;
  const auto plan = claims.plan_claim(Claim::put(node(0xaa), put_id(0xbb)), content(0xcc, 0x01020304 & 0xfffff),
                                      0x20304, Payload::given, kStart);
  REQUIRE(plan.ok());
  const Row& row = plan.value().change.save.front();
  const std::string zeros(62, '0');
  CHECK(base::hex(row.key) ==
        "63"
        "01"
        "cc" +
            zeros +
            "04030200"
            "aa" +
            std::string(38, '0') +
            "01"
            "bb" +
            zeros);
  CHECK(base::hex(row.value) == "04030200");
}

TEST_CASE(
    "claims: whatever is claimed, bound and released, a restart knows the same, and nothing is dropped under a claim") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    Disk disk;
    const ClaimsLimits limits{.quota_bytes = 6000, .claims_max = 20};
    Claims claims(limits);
    std::set<ContentKey> stored;
    std::vector<ClaimPlan> open;
    const auto draw_claim = [&] {
      const auto owner = node(static_cast<std::uint8_t>(1 + random.below(2)));
      const auto name = static_cast<std::uint8_t>(random.below(2));
      return random.chance(1, 2) ? Claim::file(owner, cid(name)) : Claim::put(owner, put_id(name));
    };
    for (int step = 0; step < 200; ++step) {
      const Claim claim = draw_claim();
      switch (random.below(4)) {
        case 0: {
          const auto key = content(static_cast<std::uint8_t>(random.below(6)), 1000);
          const auto plan =
              claims.plan_claim(claim, key, 1000, random.chance(1, 2) ? Payload::given : Payload::none, kStart);
          if (plan.ok()) open.push_back(plan.value());
          break;
        }
        case 1: open.push_back(claims.plan_release(claim)); break;
        case 2: open.push_back(claims.plan_bind(claim.owner, put_id(0), cid(1), kStart)); break;
        default: break;
      }
      while (open.size() > random.below(4)) {
        std::swap(open[random.below(open.size())], open.back());
        const ClaimPlan plan = open.back();
        open.pop_back();
        if (random.chance(1, 5)) {
          claims.abandon(plan);
          continue;
        }
        for (const auto& key : plan.store) RC_ASSERT(stored.insert(key).second);
        write(disk, plan.change);
        claims.apply(plan);
        for (const auto& key : plan.drop) RC_ASSERT(stored.erase(key) == 1u);
      }
      RC_ASSERT(claims.claims() == disk.size());
      RC_ASSERT(claims.contents() == stored.size());
      RC_ASSERT(claims.bytes() == 1000 * stored.size());
      for (const auto& key : stored) RC_ASSERT(claims.has(key));
      RC_ASSERT(claims.used(kAnn) <= limits.quota_bytes);
      RC_ASSERT(claims.claims() <= limits.claims_max);
    }
    Claims again(limits);
    for (const auto& [key, value] : disk) RC_ASSERT(again.load({key, value}, kStart).ok());
    RC_ASSERT(again.contents() == claims.contents());
    for (const auto& owner : {kAnn, kBob}) RC_ASSERT(again.used(owner) == claims.used(owner));
  }));
}
