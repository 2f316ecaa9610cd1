#include "actors/files/logic/neighbourhoods.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "runtime/base/random.hpp"
#include "tests/actors/files/bytes.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::files;
using namespace std::chrono_literals;
using troupe::test::kStart;

namespace {

std::vector<dht::Contact> contacts(const std::vector<base::NodeId>& ids) {
  std::vector<dht::Contact> out;
  for (const base::NodeId& id : ids) out.push_back({id, {}});
  return out;
}

base::NodeId random_id(base::Random& random) {
  base::NodeId out;
  for (auto& byte : out.bytes) byte = static_cast<std::uint8_t>(random.below(256));
  return out;
}

void sort_by_distance(std::vector<base::NodeId>& ids, const base::NodeId& from) {
  std::ranges::sort(ids, {}, [&](const base::NodeId& id) { return base::distance(id, from); });
}

}  // namespace

TEST_CASE("neighbourhoods: a search serves as far as it has found everybody") {
  Neighbourhoods known;
  CHECK(known.find(node(0x10), kStart) == nullptr);
  // The farthest shares three bits with the target: all that share four are found.
  known.found(node(0x10), contacts({node(0x11), node(0x18), node(0x02)}), kStart);
  REQUIRE(known.find(node(0x10), kStart) != nullptr);
  CHECK(known.find(node(0x1f), kStart)->size() == 3);
  CHECK(known.find(node(0x08), kStart) == nullptr);
  CHECK(known.find(node(0x80), kStart) == nullptr);

  SUBCASE("for some seconds") {
    CHECK(known.find(node(0x10), kStart + kNeighboursFresh - 1ns) != nullptr);
    CHECK(known.find(node(0x10), kStart + kNeighboursFresh) == nullptr);
  }
  SUBCASE("and others are served by others") {
    known.found(node(0x80), contacts({node(0x81)}), kStart + 1s);
    CHECK(known.find(node(0x10), kStart + 1s)->size() == 3);
    CHECK(known.find(node(0x80), kStart + 1s)->size() == 1);
    CHECK(known.find(node(0xc0), kStart + 1s) == nullptr);
  }
  SUBCASE("and the newest counts") {
    known.found(node(0x12), contacts({node(0x02), node(0x13)}), kStart + 1s);
    CHECK(known.find(node(0x10), kStart + 1s)->size() == 2);
  }
}

TEST_CASE("neighbourhoods: where nobody was found nobody is sought for a moment, anywhere") {
  Neighbourhoods known;
  known.found(node(0x10), {}, kStart);
  REQUIRE(known.find(node(0xf0), kStart) != nullptr);
  CHECK(known.find(node(0xf0), kStart)->empty());
  CHECK(known.find(node(0xf0), kStart + kNobodyFresh) == nullptr);
}

TEST_CASE("neighbourhoods: a search under way is waited for by what the last one would have served") {
  Neighbourhoods known;
  CHECK(known.likely(node(0x00), node(0xff)));  // nothing is known: one search tells how far they reach
  known.found(node(0x10), contacts({node(0x11), node(0x02)}), kStart);
  CHECK(known.likely(node(0x80), node(0x8f)));
  CHECK_FALSE(known.likely(node(0x80), node(0x90)));
}

TEST_CASE("neighbourhoods: of too many the oldest goes") {
  Neighbourhoods known;
  for (std::size_t i = 0; i <= kNeighbourhoodsMax; ++i) {
    const auto high = static_cast<std::uint8_t>(i >> 8), low = static_cast<std::uint8_t>(i);
    known.found(node(high, low), contacts({node(high, low)}), kStart);
  }
  CHECK(known.size() == kNeighbourhoodsMax);
  CHECK(known.find(node(0, 0), kStart) == nullptr);
  CHECK(known.find(node(0, 1), kStart) != nullptr);
}

TEST_CASE("neighbourhoods: who is nearest to a position is among those of its neighbourhood") {
  base::Random random(7);
  std::vector<base::NodeId> all;
  for (int i = 0; i < 500; ++i) all.push_back(random_id(random));
  Neighbourhoods known;
  std::size_t searches = 0;
  for (int i = 0; i < 1000; ++i) {
    const base::NodeId position = random_id(random);
    if (known.find(position, kStart) == nullptr) {
      ++searches;
      sort_by_distance(all, position);
      known.found(position, contacts({all.begin(), all.begin() + 20}), kStart);
    }
    const auto* near = known.find(position, kStart);
    REQUIRE(near != nullptr);
    sort_by_distance(all, position);
    CHECK(std::ranges::find(*near, all.front(), &dht::Contact::id) != near->end());
  }
  CHECK(searches < 100);
}
