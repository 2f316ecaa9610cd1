// The cache of values: bounded, the least recently used goes first.
#include "actors/dht/logic/value_cache.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/records.hpp"

using namespace troupe;
using namespace troupe::dht;

TEST_CASE("dht value cache: the least recently used goes first") {
  const RecordKey a{Space::cid, key(1)}, b{Space::cid, key(2)}, c{Space::kv, key(1)};
  ValueCache cache(2 * (10 + kCacheEntryBytes));
  CHECK(cache.get(a) == nullptr);
  cache.put(a, base::Bytes(10, 'a'));
  cache.put(b, base::Bytes(10, 'b'));
  CHECK(*cache.get(a) == base::Bytes(10, 'a'));
  cache.put(c, base::Bytes(10, 'c'));
  CHECK(cache.get(b) == nullptr);
  CHECK(cache.get(a) != nullptr);
  CHECK(cache.get(c) != nullptr);

  SUBCASE("one as large as all room takes it; one beyond is not kept") {
    cache.put(b, base::Bytes(20 + kCacheEntryBytes, 'b'));
    CHECK(cache.get(a) == nullptr);
    CHECK(cache.get(b) != nullptr);
    cache.put(b, base::Bytes(21 + kCacheEntryBytes, 'b'));
    CHECK(cache.get(b) == nullptr);
    CHECK(cache.bytes() == 0);
  }
  SUBCASE("another value takes the place of the first") {
    cache.put(a, base::Bytes(5, 'x'));
    CHECK(*cache.get(a) == base::Bytes(5, 'x'));
    cache.drop(a);
    cache.drop(a);
    CHECK(cache.get(a) == nullptr);
    CHECK(cache.bytes() == 10 + kCacheEntryBytes);
  }
  SUBCASE("what is over is gone, and gives its room back") {
    const base::Instant end{std::chrono::seconds(9)};
    cache.put(a, base::Bytes(10, 'a'), end);
    CHECK(cache.get(a, end - std::chrono::nanoseconds(1))->until == end);
    CHECK(cache.get(a, end) == nullptr);
    CHECK(cache.get(c, end) != nullptr);
    CHECK(cache.bytes() == 10 + kCacheEntryBytes);
  }
  SUBCASE("no room at all") {
    ValueCache none(0);
    none.put(a, {});
    CHECK(none.get(a) == nullptr);
  }
}
