// Which range an id belongs to.
#include <doctest/doctest.h>

#include "tests/actors/dht/contacts.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

TEST_CASE("dht range: an id belongs where it leaves our own, and our own nowhere") {
  const Key own = point(0);
  CHECK_FALSE(range_of(own, own).has_value());
  CHECK(range_of(own, point(std::uint64_t{1} << 63))->prefix == 0);
  CHECK(range_of(own, point(~std::uint64_t{0}))->prefix == 0);
  CHECK(range_of(own, point(1))->prefix == 63);
  for (std::size_t bit = 0; bit < kRanges; ++bit) {
    Key other = own;
    other.bytes[bit / 8] = static_cast<std::uint8_t>(0x80U >> bit % 8);
    CHECK(range_of(own, other)->prefix == bit);
    CHECK(range_of(other, own)->prefix == bit);
  }
}

TEST_CASE("dht range: a random key of a range lies in it") {
  base::Random random{4};
  const Key own = random_point(random);
  for (std::size_t prefix = 0; prefix < kRanges; ++prefix) {
    const Range range{static_cast<std::uint8_t>(prefix)};
    CHECK(range_of(own, random_key(own, range, random)) == range);
  }
  CHECK(random_key(own, Range{3}, random) != random_key(own, Range{3}, random));
}
