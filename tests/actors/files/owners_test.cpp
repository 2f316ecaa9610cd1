#include "actors/files/logic/owners.hpp"

#include <doctest/doctest.h>

#include "runtime/base/ensure.hpp"
#include "tests/actors/files/bytes.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::files;

namespace {

base::AddressGroup site(std::uint8_t number) {
  base::AddressGroup out{};
  out.prefix[0] = number;
  return out;
}

/// Takes `bytes` for `owner`; the refusal, if there is one.
std::optional<OwnerRefusal> take(Owners& owners, const base::NodeId& owner, std::uint8_t from, std::uint64_t bytes) {
  const auto reserved = owners.reserve(owner, site(from), bytes);
  if (!reserved.ok()) return reserved.error();
  owners.add(owner, bytes, 1);
  owners.unreserve(owner, bytes);
  owners.check();
  return std::nullopt;
}

/// What a disk would have, and an incarnation that reads it on `day`.
using OwnerRows = std::map<base::Bytes, base::Bytes>;
void save(Owners& owners, OwnerRows& disk) {
  const Change change = owners.plan_rows(1000);
  for (const Row& row : change.save) {
    disk[row.key] = row.value;
    owners.apply_saved(row);
  }
  for (const base::Bytes& key : change.erase) {
    disk.erase(key);
    owners.apply_erased(key);
  }
}

/// As an operator does it.
bool end(Owners& owners, const base::NodeId& owner, OwnerRows& disk) {
  const auto change = owners.plan_release(owner);
  if (!change) return false;
  disk[change->save.front().key] = change->save.front().value;
  owners.apply_saved(change->save.front());
  return true;
}

constexpr std::uint64_t kPage = kClaimBytesMin;
const base::NodeId kHome = node(0xff);

}  // namespace

TEST_CASE("owners: three quarters of the space are for all, of the rest an owner has a share and a group has one") {
  Owners owners(ClaimsLimits{.self = kHome, .space_bytes = 1600 * kPage});
  CHECK_FALSE(take(owners, node(1), 1, 1200 * kPage));  // alone, an owner may have all of them
  CHECK(take(owners, node(1), 1, kPage) == OwnerRefusal::space);
  CHECK(take(owners, node(2), 1, kPage) == OwnerRefusal::space);  // its group has more than a quarter
  CHECK_FALSE(take(owners, node(3), 3, 100 * kPage));
  CHECK(take(owners, node(3), 3, kPage) == OwnerRefusal::space);  // a sixteenth
  for (std::uint8_t i = 4; i < 7; ++i) CHECK_FALSE(take(owners, node(i), 4, 100 * kPage));
  CHECK(owners.space_used() == 1600 * kPage);
  CHECK(take(owners, node(9), 9, kPage) == OwnerRefusal::space);
  CHECK_FALSE(take(owners, kHome, 0, 100 * kPage));  // what this node keeps for itself is not held for others
  CHECK(owners.space_used() == 1600 * kPage);
}

TEST_CASE("owners: shares are of the room that the device has, where that is less than the setting") {
  Owners owners(ClaimsLimits{.self = kHome, .space_bytes = 1600 * kPage});
  CHECK(owners.space() == 1600 * kPage);
  owners.fit_space(160 * kPage);
  CHECK(owners.space() == 160 * kPage);
  CHECK_FALSE(take(owners, node(1), 1, 120 * kPage));
  CHECK(take(owners, node(1), 1, kPage) == OwnerRefusal::space);
  CHECK_FALSE(take(owners, node(2), 2, 10 * kPage));
  CHECK(take(owners, node(2), 2, kPage) == OwnerRefusal::space);
  CHECK_FALSE(take(owners, kHome, 0, 500 * kPage));
  owners.fit_space(0);  // other programs have taken the rest: what is there stays
  CHECK(owners.space() == 130 * kPage);
  CHECK(take(owners, node(3), 3, kPage) == OwnerRefusal::space);
  owners.fit_space(1470 * kPage);
  CHECK(owners.space() == 1600 * kPage);
  owners.fit_space(UINT64_MAX);
  CHECK(owners.space() == 1600 * kPage);
  CHECK_FALSE(take(owners, node(3), 3, kPage));
}

TEST_CASE("owners: one node cannot take all claims, nor can one line; the last eighth is for this node") {
  Owners owners(ClaimsLimits{.self = kHome, .claims_max = 160});
  const auto fill = [&](std::uint8_t owner, std::uint8_t from) {
    std::size_t taken = 0;
    while (!take(owners, node(owner), from, kPage)) ++taken;
    return taken;
  };
  CHECK(fill(1, 1) == 80);
  CHECK(take(owners, node(1), 1, kPage) == OwnerRefusal::claims);
  CHECK(fill(2, 1) == 0);
  CHECK(fill(3, 3) == 10);
  for (std::uint8_t i = 4; i < 7; ++i) CHECK(fill(i, 4) == 10);
  CHECK(fill(7, 4) == 10);
  CHECK(fill(8, 4) == 0);
  CHECK(fill(9, 9) == 10);
  CHECK(fill(10, 10) == 0);
  CHECK(owners.claims() == 140);
  std::size_t own = 0;
  while (!take(owners, kHome, 0, kPage)) ++own;
  CHECK(own == 20);
}

TEST_CASE("owners: what an owner holds moves along to the group from which it asks") {
  Owners owners(ClaimsLimits{.self = kHome, .space_bytes = 1600 * kPage});
  CHECK_FALSE(take(owners, node(1), 1, 1200 * kPage));
  owners.heard(node(1), site(2));
  CHECK_FALSE(take(owners, node(3), 1, kPage));
  CHECK(take(owners, node(4), 2, kPage) == OwnerRefusal::space);
  owners.heard(node(77), site(1));  // of one without claims nothing is kept
  CHECK(owners.list({}, 10).size() == 2);
  owners.remove(node(1), 1200 * kPage, 1);
  CHECK(owners.space_used() == kPage);
}

TEST_CASE("owners: an owner that is silent for the days that this node ran is to end") {
  Owners owners(ClaimsLimits{.self = kHome, .kept_days = 3});
  owners.begin_day(100);
  REQUIRE_FALSE(take(owners, node(1), 1, kPage));
  REQUIRE_FALSE(take(owners, node(2), 1, kPage));
  REQUIRE_FALSE(take(owners, kHome, 0, kPage));
  owners.begin_day(101);
  owners.begin_day(102);
  owners.heard(node(2), site(1));
  CHECK_FALSE(owners.next_ending({}));
  owners.begin_day(103);
  CHECK(owners.next_ending({}) == node(1));
  CHECK_FALSE(owners.next_ending(node(1)));
  CHECK(owners.ending(node(1)));
  SUBCASE("heard again, it stays") {
    owners.heard(node(1), site(1));
    CHECK_FALSE(owners.next_ending({}));
  }
  SUBCASE("a day counts once") {
    owners.begin_day(103);
    CHECK_FALSE(owners.ending(node(2)));
  }
}

TEST_CASE(
    "owners: a restart knows when each was heard; a holiday of this node is one day, and so is a clock that jumps") {
  const ClaimsLimits limits{.self = kHome, .kept_days = 3};
  OwnerRows disk;
  {
    Owners owners(limits);
    owners.begin_day(100);
    REQUIRE_FALSE(take(owners, node(1), 1, kPage));
    save(owners, disk);
  }
  CHECK(disk.size() == 2);
  const auto start = [&](std::uint32_t day) {
    Owners owners(limits);
    owners.add(node(1), kPage, 1);  // its claim, of another row
    for (const auto& [key, value] : disk) REQUIRE(owners.load({key, value}).ok());
    owners.begin_day(day);
    save(owners, disk);
    return owners.ending(node(1));
  };
  CHECK_FALSE(start(200));
  CHECK_FALSE(start(200));
  CHECK_FALSE(start(10));  // set back
  CHECK_FALSE(start(11));
  CHECK(start(12));
}

TEST_CASE("owners: a row is written at most once a day, and goes with the last claim") {
  OwnerRows disk;
  Owners owners(ClaimsLimits{.self = kHome});
  owners.begin_day(100);
  REQUIRE_FALSE(take(owners, node(1), 1, kPage));
  REQUIRE_FALSE(take(owners, kHome, 0, kPage));
  CHECK(owners.plan_rows(10).save.size() == 2);  // the day, and the owner; this node needs none
  save(owners, disk);
  owners.heard(node(1), site(2));
  CHECK(owners.plan_rows(10).empty());
  owners.begin_day(101);
  owners.heard(node(1), site(2));
  CHECK(owners.plan_rows(10).save.size() == 2);
  save(owners, disk);
  owners.remove(node(1), kPage, 1);
  CHECK(owners.plan_rows(10).erase.size() == 1);
  save(owners, disk);
  CHECK(disk.size() == 1);
}

TEST_CASE("owners: claims of format 1 have no day: it begins when they are read") {
  Owners owners(ClaimsLimits{.self = kHome, .kept_days = 3});
  owners.add(node(1), kPage, 1);
  owners.begin_day(500);
  CHECK_FALSE(owners.ending(node(1)));
  CHECK(owners.list({}, 10).front().heard_day == 500);
  for (std::uint32_t day = 501; day <= 503; ++day) {
    OwnerRows disk;
    save(owners, disk);
    owners.begin_day(day);
  }
  CHECK(owners.ending(node(1)));
}

TEST_CASE("owners: one that was released is refused for the days that claims are kept, over a restart") {
  const ClaimsLimits limits{.self = kHome, .kept_days = 3};
  OwnerRows disk;
  Owners owners(limits);
  owners.begin_day(100);
  REQUIRE_FALSE(take(owners, node(1), 1, kPage));
  CHECK(end(owners, node(1), disk));
  CHECK(owners.ending(node(1)));
  owners.remove(node(1), kPage, 1);
  CHECK(take(owners, node(1), 1, kPage) == OwnerRefusal::released);
  CHECK_FALSE(end(owners, node(1), disk));  // nothing is held
  CHECK_FALSE(end(owners, node(2), disk));
  save(owners, disk);
  Owners again(limits);
  for (const auto& [key, value] : disk) REQUIRE(again.load({key, value}).ok());
  for (std::uint32_t day = 101; day < 103; ++day) {
    again.begin_day(day);
    CHECK(take(again, node(1), 1, kPage) == OwnerRefusal::released);
  }
  again.begin_day(103);
  CHECK_FALSE(take(again, node(1), 1, kPage));
}

TEST_CASE("owners: a row has the documented bytes, and others are refused") {
  Owners owners(ClaimsLimits{.self = kHome});
  owners.begin_day(0x01020);
  REQUIRE_FALSE(take(owners, node(0xaa), 0xbb, kPage));
  const Change change = owners.plan_rows(10);
  REQUIRE(change.save.size() == 2);
  CHECK(base::hex(change.save[0].key) == "63");
  CHECK(base::hex(change.save[0].value) ==
        "02"
        "20100000"
        "01000000");
  Row row = change.save[1];
  CHECK(base::hex(row.key) == "63aa" + std::string(38, '0'));
  CHECK(base::hex(row.value) ==
        "02"
        "20100000"
        "01000000"
        "00"
        "bb" +
            std::string(30, '0'));
  Owners other(ClaimsLimits{.self = kHome});
  CHECK(other.load(row).ok());
  SUBCASE("another format") { row.value[0] = 3; }
  SUBCASE("an unknown flag") { row.value[9] = 2; }
  SUBCASE("a date that is none") { row.value[4] = 0xff; }
  SUBCASE("a value cut short") { row.value.pop_back(); }
  SUBCASE("a value too long") { row.value.push_back(0); }
  SUBCASE("a row of days too long") { row.key.resize(1); }
  SUBCASE("another kind of row") { row.key[0] = 'x'; }
  CHECK_FALSE(other.load(row).ok());
}
