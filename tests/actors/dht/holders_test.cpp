#include "actors/dht/logic/holders.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/contacts.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

TEST_CASE("dht holders: the nearest hold what lies at a key, and whoever else lies as near as those should") {
  std::vector<Key> nodes;
  for (std::uint64_t rank = 1; rank <= 60; ++rank) nodes.push_back(point(rank << 32));
  const Key key = point(0);
  CHECK(holders_among(nodes, key, 20, std::nullopt) == 20);
  CHECK(holders_among({}, key, 20, NetworkSize{1'000}) == 0);
  CHECK(holders_among(std::span(nodes).first(7), key, 20, NetworkSize{1'000}) == 7);
  // As dense as it is thought to be, then with half as many nodes again, then with any number.
  CHECK(holders_among(nodes, key, 20, NetworkSize{std::uint64_t{1} << 32}) == 20);
  CHECK(holders_among(nodes, key, 20, NetworkSize{(std::uint64_t{2} << 32) / 3}) == 30);
  CHECK(holders_among(nodes, key, 20, NetworkSize{1}) == kRegionMax);
}
