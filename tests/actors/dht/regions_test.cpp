// Which keys share a search.
#include "actors/dht/logic/regions.hpp"

#include <doctest/doctest.h>

#include <set>

#include "tests/actors/dht/records.hpp"

using namespace troupe;
using namespace troupe::dht;

TEST_CASE("dht regions: a region is no wider than the nodes that hold one value") {
  CHECK(region_bits({1}, 20) == 0);
  CHECK(region_bits({20}, 20) == 0);
  CHECK(region_bits({21}, 20) == 1);
  CHECK(region_bits({40}, 20) == 1);
  CHECK(region_bits({41}, 20) == 2);
  CHECK(region_bits({80}, 20) == 2);
  CHECK(region_bits({100}, 20) == 3);
  CHECK(region_bits({1'000}, 1) == 10);
  CHECK(region_bits({UINT64_MAX}, 1) == 64);
  for (const std::uint64_t nodes : {21u, 57u, 1'000u, 10'000u, 123'456u}) {
    CAPTURE(nodes);
    const unsigned bits = region_bits({nodes}, 20);
    CHECK((nodes >> bits) <= 20);
    CHECK((nodes >> bits) >= 10 - 1);
  }
}

TEST_CASE("dht regions: each key is in one region, with those that share its first bits alone") {
  base::Random random(7);
  std::vector<Key> keys;
  for (int i = 0; i < 300; ++i)
    keys.push_back(key(static_cast<int>(random.below(256)), static_cast<int>(random.below(256))));
  keys.push_back(keys.front());  // twice the same
  for (const unsigned bits : {0u, 1u, 3u, 8u, 12u, 200u}) {
    CAPTURE(bits);
    std::set<std::size_t> seen;
    for (const auto& region : by_region(keys, bits, 50)) {
      REQUIRE(!region.empty());
      CHECK(region.size() <= 50);
      for (const std::size_t i : region) {
        CHECK(shared_bits(keys[i], keys[region.front()]) >= std::min(bits, 160u));
        CHECK(seen.insert(i).second);
      }
    }
    CHECK(seen.size() == keys.size());
  }
  CHECK(by_region({}, 3, 50).empty());
  CHECK(by_region(keys, 0, 1'000).size() == 1);
  CHECK(by_region(keys, 0, 1).size() == keys.size());
}
