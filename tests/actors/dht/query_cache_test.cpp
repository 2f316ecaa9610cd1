// Copies that searches leave: how long they last, and what is never copied.
#include "actors/dht/logic/query_cache.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/records.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;
using troupe::test::kStart;

namespace {

constexpr std::size_t kCopiesMax = 20;
constexpr NetworkSize kNetwork{10'000};

/// An id that differs from key(0) first in that bit.
Key at_bit(unsigned bit) {
  Key out;
  out.bytes[bit / 8] = static_cast<std::uint8_t>(0x80U >> (bit % 8));
  return out;
}

}  // namespace

TEST_CASE("dht query cache: a copy lasts the less the more nodes lie nearer to its key") {
  const QueryCache cache(Key{}, 1'000, kCopiesMax);
  CHECK(cache.lifetime(at_bit(40), kNetwork) == kCopyMax);
  CHECK(cache.lifetime(at_bit(9), kNetwork) == kCopyMax);                      // 19 of 10,000 lie nearer
  CHECK(cache.lifetime(at_bit(5), kNetwork) == base::Duration(kCopyMax) / 7);  // 156 do, of whom 20 hold it
  base::Duration before = kCopyMax;
  for (unsigned bit = 12; bit-- > 0;) {
    const base::Duration lasts = cache.lifetime(at_bit(bit), kNetwork);
    CHECK(lasts <= before);
    CHECK(lasts >= kCopyMin);
    before = lasts;
  }
  CHECK(cache.lifetime(at_bit(0), {1}) == kCopyMax);
  CHECK(cache.lifetime(at_bit(0), {UINT64_MAX}) == kCopyMin);
}

TEST_CASE("dht query cache: a copy ends with what it was made of, and with its own time") {
  const RecordKey place{Space::cid, at_bit(40)};
  QueryCache cache(Key{}, 1'000, kCopiesMax);
  SUBCASE("its own time") {
    REQUIRE(cache.put(place, bytes_of("a"), 48h, kNetwork, kStart));
    CHECK(cache.get(place, kStart)->lasts == kCopyMax);
    CHECK(cache.get(place, kStart + kCopyMax - 1ns)->record == bytes_of("a"));
    CHECK_FALSE(cache.get(place, kStart + kCopyMax));
    CHECK(cache.bytes() == 0);
  }
  SUBCASE("that of the record") {
    REQUIRE(cache.put(place, bytes_of("a"), 5s, kNetwork, kStart));
    CHECK(cache.get(place, kStart + 5s - 1ns)->lasts == 1ns);
    CHECK_FALSE(cache.get(place, kStart + 5s));
  }
  SUBCASE("one of a copy ends with that copy") {
    QueryCache next(Key{}, 1'000, kCopiesMax);
    REQUIRE(cache.put(place, bytes_of("a"), 5s, kNetwork, kStart));
    const auto copy = cache.get(place, kStart + 3s);
    REQUIRE(next.put(place, copy->record, copy->lasts, kNetwork, kStart + 3s));
    CHECK_FALSE(next.get(place, kStart + 5s));
  }
  SUBCASE("over already") {
    CHECK_FALSE(cache.put(place, bytes_of("a"), 0s, kNetwork, kStart));
    CHECK_FALSE(cache.put(place, bytes_of("a"), -1s, kNetwork, kStart));
    CHECK_FALSE(cache.get(place, kStart));
  }
}

TEST_CASE("dht query cache: what its owner may change is not copied") {
  QueryCache cache(Key{}, 1'000, kCopiesMax);
  const RecordKey place{Space::kv, at_bit(40)};
  CHECK_FALSE(cache.takes(Space::kv));
  CHECK_FALSE(cache.put(place, bytes_of("a"), 48h, kNetwork, kStart));
  CHECK_FALSE(cache.get(place, kStart));
  for (const Space space : {Space::pk, Space::cid})
    CHECK(cache.put({space, place.key}, bytes_of("a"), 48h, kNetwork, kStart));
}

TEST_CASE("dht query cache: it keeps its bounds, and none at all where they are zero") {
  QueryCache cache(Key{}, 2 * (10 + kCacheEntryBytes), kCopiesMax);
  for (int i = 0; i < 5; ++i) CHECK(cache.put({Space::cid, key(0, i)}, base::Bytes(10, 'a'), 48h, kNetwork, kStart));
  CHECK(cache.bytes() == 2 * (10 + kCacheEntryBytes));
  CHECK_FALSE(cache.get({Space::cid, key(0, 2)}, kStart));
  CHECK(cache.get({Space::cid, key(0, 4)}, kStart));
  CHECK_FALSE(cache.put({Space::cid, key(1)}, base::Bytes(1'000, 'a'), 48h, kNetwork, kStart));
  QueryCache none(Key{}, 0, kCopiesMax);
  CHECK_FALSE(none.on());
  CHECK_FALSE(none.put({Space::cid, key(0, 1)}, bytes_of("a"), 48h, kNetwork, kStart));
}
