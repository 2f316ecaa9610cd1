// Nodes of the DHT together: how they meet, and what is put and found.
#include <doctest/doctest.h>

#include "tests/actors/dht/quarter.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

TEST_CASE("dht: nodes that know one node find all others") {
  Quarter quarter(8);
  for (std::size_t i = 0; i < 8; ++i)
    for (std::size_t other = 0; other < 8; ++other) CHECK(quarter.lists(i, other) == (i != other));
  CHECK(quarter.failures().empty());
}
