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

/// The operator releases the owner.
bool end(Claims& claims, const base::NodeId& owner, Disk* disk = nullptr) {
  const auto change = claims.owners().plan_release(owner);
  if (!change) return false;
  ClaimPlan row;
  row.change = *change;
  perform(claims, row, disk);
  return true;
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
  Claims claims(ClaimsLimits{.quota_bytes = 35'000});
  hold(claims, kAnnsFile, content(0, 10'000));
  CHECK(claims.used(kAnn) == 10'000);
  hold(claims, kAnnsFile, content(1, 25'000));
  CHECK(claims.used(kAnn) == 35'000);
  CHECK(refused(claims, kAnnsFile, content(2, 1)) == ClaimError::quota);
  CHECK(hold(claims, kBobsFile, content(2, 1)));  // another owner has a quota of its own
  release(claims, kAnnsFile);
  CHECK(claims.used(kAnn) == 0);
}

TEST_CASE("claims: a claim costs at least 4 KiB, also a further one on the same content") {
  Claims claims(ClaimsLimits{.quota_bytes = 3 * kClaimBytesMin + 100});
  hold(claims, kAnnsFile, content(0, kClaimBytesMin + 100));
  const Claim again = Claim::file(kAnn, cid(11));
  CHECK_FALSE(hold(claims, again, content(0, kClaimBytesMin + 100)));
  CHECK(claims.used(kAnn) == 2 * kClaimBytesMin + 100);
  hold(claims, kAnnsFile, content(1, 1));
  CHECK(claims.used(kAnn) == 3 * kClaimBytesMin + 100);
  CHECK(refused(claims, again, content(1, 1), Payload::none) == ClaimError::quota);
  release(claims, kAnnsFile);  // the further claim is the first one now
  CHECK(claims.used(kAnn) == kClaimBytesMin + 100);
  release(claims, again);
  CHECK(claims.used(kAnn) == 0);
}

TEST_CASE("claims: plans that are not yet performed count against the quota") {
  Claims claims(ClaimsLimits{.quota_bytes = 15'000});
  const auto first = claims.plan_claim(kAnnsFile, content(0, 10'000), 10'000, Payload::given, kStart);
  REQUIRE(first.ok());
  CHECK(refused(claims, kAnnsFile, content(1, 10'000)) == ClaimError::quota);
  SUBCASE("a failed one gives its share back") {
    claims.abandon(first.value());
    CHECK_FALSE(claims.has(content(0, 10'000)));
    CHECK(hold(claims, kAnnsFile, content(1, 10'000)));
  }
  SUBCASE("a performed one keeps it") {
    claims.apply(first.value());
    CHECK(refused(claims, kAnnsFile, content(1, 10'000)) == ClaimError::quota);
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
    Claims claims(ClaimsLimits{.self = kAnn, .claims_max = 2});
    hold(claims, kAnnsFile, content(0));
    const auto second = claims.plan_claim(kAnnsFile, content(1), 1000, Payload::given, kStart);
    REQUIRE(second.ok());
    CHECK(refused(claims, kAnnsFile, content(2)) == ClaimError::full);
    claims.abandon(second.value());
    CHECK(hold(claims, kAnnsFile, content(2)));
  }
  SUBCASE("one content") {
    Claims claims(ClaimsLimits{.self = kBob, .claims_per_content_max = 1});
    hold(claims, kAnnsFile, content(0));
    CHECK(refused(claims, kBobsFile, content(0)) == ClaimError::full);
  }
  SUBCASE("one content and one owner: the targeted attack of one id ends at 16") {
    Claims claims;
    for (std::uint8_t i = 0; i < 16; ++i) hold(claims, Claim::file(kAnn, cid(i)), content(0));
    CHECK(refused(claims, Claim::file(kAnn, cid(16)), content(0)) == ClaimError::full);
    CHECK_FALSE(hold(claims, kBobsFile, content(0)));
  }
  SUBCASE("one content and one address group: owners of others, and this node, still find a place") {
    Claims claims(ClaimsLimits{.self = node(200), .claims_per_content_max = 64});
    const auto claim = [&](std::uint8_t owner, std::uint8_t name, std::uint8_t group) {
      base::AddressGroup from{};
      from.prefix[0] = group;
      const auto plan =
          claims.plan_claim(Claim::file(node(owner), cid(name)), content(0), 1000, Payload::given, kStart, from);
      if (plan.ok()) claims.apply(plan.value());
      return plan.ok();
    };
    for (std::uint8_t i = 0; i < 32; ++i) CHECK(claim(static_cast<std::uint8_t>(1 + i / 16), i, 1));
    CHECK_FALSE(claim(3, 0, 1));
    CHECK(claim(4, 0, 2));
    for (std::uint8_t i = 0; claims.claims() < 56; ++i)
      CHECK(claim(static_cast<std::uint8_t>(10 + i), 0, static_cast<std::uint8_t>(10 + i)));
    CHECK_FALSE(claim(90, 0, 90));
    CHECK(claim(200, 0, 0));
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

TEST_CASE("claims: who waits for a claim with many contents looks at few of them") {
  Claims claims;
  const Claim put = Claim::put(kAnn, put_id(7));
  for (std::uint32_t i = 1; i <= 2 * kSliceMax; ++i) hold(claims, put, content(0, i));
  const ClaimPlan first = claims.plan_release(put), meanwhile = claims.plan_release(put);
  CHECK(first.busy.size() == kSliceMax);
  CHECK(meanwhile.busy.empty());  // although half of it is free
  CHECK(meanwhile.more);
  perform(claims, first);
  const ClaimPlan second = claims.plan_release(put);
  CHECK(second.busy.size() == kSliceMax);
  perform(claims, second);
  CHECK_FALSE(claims.has(put));
}

TEST_CASE("claims: a put that came to nothing is not remembered") {
  Claims claims;
  const Claim put = Claim::put(kAnn, put_id(7));
  const auto plan = claims.plan_claim(put, content(0), content(0).bytes, Payload::given, kStart);
  REQUIRE(plan.ok());
  claims.abandon(plan.value());
  CHECK(claims.idle_puts(kStart + 24h, 10).empty());
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

TEST_CASE("claims: of puts that were released the latest are remembered, each owner's for itself") {
  Claims claims;
  const auto put = [](std::uint32_t number, const base::NodeId& owner) {
    PutId id;
    std::memcpy(id.bytes.data(), &number, sizeof number);
    return Claim::put(owner, id);
  };
  const auto ended = [&](const Claim& claim, std::uint8_t which) {
    const auto plan = claims.plan_claim(claim, content(which), 1000, Payload::given, kStart);
    if (plan.ok()) claims.abandon(plan.value());
    return !plan.ok() && plan.error() == ClaimError::ended;
  };
  claims.plan_release(put(7, kBob));
  for (std::uint32_t i = 0; i <= kEndedPutsOfOwnerMax; ++i) claims.plan_release(put(i, kAnn));
  CHECK_FALSE(ended(put(0, kAnn), 1));
  CHECK(ended(put(1, kAnn), 2));
  SUBCASE("4,096 releases of made-up puts by one node do not forget those of others") {
    for (std::uint32_t i = 0; i < kEndedPutsMax; ++i) claims.plan_release(put(i, kAnn));
    CHECK(ended(put(7, kBob), 3));
  }
  SUBCASE("when all are full, the owner with most forgets its oldest") {
    for (std::uint32_t i = 0; i < kEndedPutsMax; ++i)
      claims.plan_release(put(i % kEndedPutsOfOwnerMax, node(10, static_cast<std::uint8_t>(i / kEndedPutsOfOwnerMax))));
    claims.check(0);
    CHECK(ended(put(7, kBob), 3));
  }
  SUBCASE("when owners of one each fill it, the owner with more forgets all but one, and each is found by its number") {
    for (std::uint32_t i = 0; i < kEndedPutsMax + 8; ++i) {
      claims.plan_release(put(1, node(static_cast<std::uint8_t>(20 + i / 256), static_cast<std::uint8_t>(i % 256))));
      if (i % 64 == 0) claims.check(0);
    }
    claims.check(0);
    CHECK_FALSE(ended(put(kEndedPutsOfOwnerMax - 1, kAnn), 3));
    CHECK(ended(put(7, kBob), 4));
  }
}

TEST_CASE("claims: an owner that ends takes all its claims along, in slices, and no other's") {
  Claims claims;
  claims.owners().begin_day(1);
  const Claim further = Claim::file(kAnn, cid(11));
  for (std::uint32_t i = 1; i <= kSliceMax; ++i) hold(claims, kAnnsFile, content(0, i));
  hold(claims, further, content(0, 1));
  hold(claims, Claim::put(kAnn, put_id(7)), content(1));
  hold(claims, kBobsFile, content(0, 2));
  REQUIRE(end(claims, kAnn));
  CHECK(claims.owners().next_ending({}) == kAnn);
  CHECK(refused(claims, kAnnsFile, content(3)) == ClaimError::released);
  std::set<ContentKey> dropped;
  ClaimPlan plan = claims.plan_end(kAnn);
  CHECK(plan.more);
  CHECK(plan.change.erase.size() == kSliceMax);
  dropped.insert(plan.drop.begin(), plan.drop.end());
  perform(claims, plan);
  plan = claims.plan_end(kAnn);
  CHECK_FALSE(plan.more);
  dropped.insert(plan.drop.begin(), plan.drop.end());
  perform(claims, plan);
  CHECK(claims.plan_end(kAnn).busy.empty());
  CHECK(claims.contents() == 1);
  CHECK(claims.has(content(0, 2), kBobsFile));
  CHECK(dropped.size() == kSliceMax);  // of the content that Bob claims, too, only Ann's claim went
  CHECK_FALSE(claims.owners().next_ending({}));
  CHECK(claims.used(kAnn) == 0);
}

TEST_CASE("claims: the end of an owner goes round what is being written, and comes again") {
  Claims claims;
  claims.owners().begin_day(1);
  hold(claims, kAnnsFile, content(0));
  const auto bobs = claims.plan_claim(kBobsFile, content(0), 1000, Payload::none, kStart);
  REQUIRE(bobs.ok());
  REQUIRE(end(claims, kAnn));
  CHECK(claims.plan_end(kAnn).busy.empty());
  CHECK(claims.plan_end(kAnn).more);
  claims.apply(bobs.value());
  const ClaimPlan plan = claims.plan_end(kAnn);
  CHECK_FALSE(plan.more);
  CHECK(plan.drop.empty());
  perform(claims, plan);
  CHECK(claims.has(content(0), kBobsFile));
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
    const ClaimsLimits limits{.quota_bytes = 30'000, .space_bytes = 200'000, .claims_max = 64};
    Claims claims(limits);
    claims.owners().begin_day(1);
    std::uint32_t day = 1;
    std::set<ContentKey> stored;
    std::vector<ClaimPlan> open;
    const auto draw_owner = [&] { return node(static_cast<std::uint8_t>(1 + random.below(2))); };
    const auto draw_claim = [&] {
      const auto owner = draw_owner();
      const auto name = static_cast<std::uint8_t>(random.below(2));
      return random.chance(1, 2) ? Claim::file(owner, cid(name)) : Claim::put(owner, put_id(name));
    };
    for (int step = 0; step < 200; ++step) {
      const Claim claim = draw_claim();
      base::AddressGroup group{};
      group.prefix[0] = static_cast<std::uint8_t>(random.below(3));
      switch (random.below(8)) {
        case 0:
        case 1: {
          const auto key = content(static_cast<std::uint8_t>(random.below(6)), 5000);
          const auto payload = random.chance(1, 2) ? Payload::given : Payload::none;
          const auto plan = claims.plan_claim(claim, key, 5000, payload, kStart, group);
          if (plan.ok()) open.push_back(plan.value());
          break;
        }
        case 2: open.push_back(claims.plan_release(claim)); break;
        case 3: open.push_back(claims.plan_bind(claim.owner, put_id(0), cid(1), kStart)); break;
        case 4:
          if (random.chance(1, 20)) end(claims, claim.owner, &disk);
          if (claims.owners().ending(claim.owner)) open.push_back(claims.plan_end(claim.owner));
          break;
        case 5: claims.owners().heard(claim.owner, group); break;
        case 6: {
          if (random.chance(1, 4)) claims.owners().begin_day(++day);
          ClaimPlan rows;
          rows.change = claims.owners().plan_rows(100);
          write(disk, rows.change);
          claims.apply(rows);
          break;
        }
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
      claims.check(open.size());
      const auto rows =
          std::count_if(disk.begin(), disk.end(), [](const auto& row) { return !Owners::owns(row.first); });
      RC_ASSERT(claims.claims() == static_cast<std::size_t>(rows));
      RC_ASSERT(claims.contents() == stored.size());
      RC_ASSERT(claims.bytes() == 5000 * stored.size());
      for (const auto& key : stored) RC_ASSERT(claims.has(key));
      RC_ASSERT(claims.used(kAnn) <= limits.quota_bytes);
      RC_ASSERT(claims.claims() <= limits.claims_max);
    }
    while (!open.empty()) {
      claims.abandon(open.back());
      open.pop_back();
    }
    ClaimPlan rows;
    rows.change = claims.owners().plan_rows(100);
    write(disk, rows.change);
    claims.apply(rows);
    Claims again(limits);
    for (const auto& [key, value] : disk) RC_ASSERT(again.load({key, value}, kStart).ok());
    again.owners().begin_day(day);
    RC_ASSERT(again.contents() == claims.contents());
    RC_ASSERT(again.owners().space_used() == claims.owners().space_used());
    const auto before = claims.owners().list({}, 10), after = again.owners().list({}, 10);
    RC_ASSERT(before.size() == after.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      RC_ASSERT(before[i].bytes == after[i].bytes && before[i].contents == after[i].contents);
      RC_ASSERT(before[i].claims == after[i].claims && before[i].heard_day == after[i].heard_day);
      RC_ASSERT(again.owners().ending(before[i].owner) == claims.owners().ending(before[i].owner));
    }
  }));
}
