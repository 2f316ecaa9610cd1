#include "actors/files/logic/announced.hpp"

#include <doctest/doctest.h>

#include "runtime/base/ids.hpp"

using namespace troupe;
using namespace troupe::files;
using namespace std::chrono_literals;

namespace {

using Take = Announced::Take;

constexpr base::Instant kThen{100s};
constexpr std::uint64_t kPlaces = 64;  // shares bind above 32: 4 an owner, 16 a group; 8 are reserved

base::NodeId place(unsigned number) {
  base::NodeId out;
  out.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  out.bytes[1] = static_cast<std::uint8_t>(number);
  return out;
}

Announced::User stranger(unsigned number, unsigned group) {
  Announced::User out{place(0x8000 + number), {}, false};
  out.group.prefix[0] = static_cast<std::uint8_t>(group);
  return out;
}

const Announced::User kOwn{place(0x7000), {}, true};

/// How many of its next `count` contents find a place, the first one at `first`.
unsigned fill(Announced& all, const Announced::User& owner, unsigned first, unsigned count) {
  unsigned out = 0;
  for (unsigned i = 0; i < count; ++i) out += all.take(place(first + i), owner, kThen) == Take::placed;
  return out;
}

}  // namespace

TEST_CASE("files announced: one owner's many contents leave places for others, and for this node") {
  Announced all(kPlaces);
  CHECK(fill(all, stranger(1, 1), 0, 1'000) == 32);
  CHECK(fill(all, stranger(2, 2), 1'000, 10) == 4);
  CHECK(fill(all, stranger(3, 1), 2'000, 10) == 0);  // its group has more than its share
  for (unsigned i = 0; i < 30; ++i) fill(all, stranger(10 + i, 10 + i), 3'000 + 100 * i, 10);
  CHECK(all.places() == 56);
  CHECK(fill(all, kOwn, 9'000, 10) == 8);
  CHECK(all.places() == kPlaces);
}

TEST_CASE("files announced: some large sites together leave places for small ones") {
  Announced all(kPlaces);
  unsigned placed = 0;
  for (unsigned owner = 0; owner < 32; ++owner) placed += fill(all, stranger(owner, owner % 5), 100 * owner, 10);
  CHECK(placed == 48);
  unsigned sites = 0;
  for (unsigned site = 10; site < 30; ++site) {
    const unsigned found = fill(all, stranger(100 + site, site), 5'000 + 100 * site, 10);
    CHECK(found <= 1);
    sites += found;
  }
  CHECK(sites == 8);
  CHECK(fill(all, kOwn, 9'000, 10) == 8);
}

TEST_CASE("files announced: a content that is gone keeps its place as long as others keep the announcement") {
  Announced all(kPlaces);
  REQUIRE(fill(all, stranger(1, 1), 0, 33) == 32);
  SUBCASE("told") {
    for (unsigned i = 0; i < 32; ++i) all.tell(place(i));
    for (unsigned i = 0; i < 32; ++i) all.end(place(i), kThen);
    CHECK(fill(all, stranger(1, 1), 100, 40) == 0);
    CHECK(all.take(place(200), stranger(1, 1), kThen + kAnnouncedFor - 1ns) == Take::refused);
    CHECK(all.take(place(200), stranger(1, 1), kThen + kAnnouncedFor) == Take::placed);
    CHECK(all.places() == 1);
  }
  SUBCASE("told, and it comes back") {
    all.tell(place(0));
    all.end(place(0), kThen);
    CHECK(all.take(place(0), stranger(1, 1), kThen + 1h) == Take::placed);
    CHECK(all.take(place(0), stranger(1, 1), kThen + 1h) == Take::present);
    CHECK(all.take(place(0), stranger(1, 1), kThen + 2 * kAnnouncedFor) == Take::present);
    CHECK(all.places() == 32);
    all.end(place(0), kThen + 200h);  // before it is told again
    CHECK(all.places() == 32);
  }
  SUBCASE("not told yet") {
    all.end(place(0), kThen);
    all.end(place(0), kThen);
    CHECK(all.places() == 31);
    CHECK(fill(all, stranger(1, 1), 100, 2) == 1);
  }
  SUBCASE("one that it never had") {
    all.end(place(500), kThen);
    CHECK(all.places() == 32);
  }
}

TEST_CASE("files announced: what this node claims too counts for this node") {
  Announced all(kPlaces);
  REQUIRE(fill(all, stranger(1, 1), 0, 40) == 32);
  CHECK(all.take(place(0), kOwn, kThen) == Take::present);
  CHECK(all.take(place(35), kOwn, kThen) == Take::placed);  // of which the stranger's share was used up
  CHECK(all.take(place(0), stranger(1, 1), kThen) == Take::present);
  CHECK(all.places() == 33);
}

TEST_CASE("files announced: what a start finds announced has a place, up to the reserve") {
  Announced all(kPlaces);
  unsigned adopted = 0;
  for (unsigned i = 0; i < 100; ++i) adopted += all.adopt(place(i), stranger(1, 1), kThen);
  CHECK(adopted == 56);
  CHECK(all.adopt(place(3), stranger(1, 1), kThen));
  CHECK(all.adopt(place(200), kOwn, kThen));
  CHECK(all.take(place(300), stranger(2, 2), kThen) == Take::refused);
  CHECK(all.places() == 57);
}
