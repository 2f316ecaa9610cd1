// Rows of the tree in memory: what stays, what goes, and that no row is another's.
#include "actors/chain/logic/row_cache.hpp"

#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

constexpr std::size_t kRowBytes = RowCache::kBufferStep;

RowKey row_of(std::uint64_t number) { return {.height = Height{number}}; }

void put(RowCache& cache, std::uint64_t number) {
  auto bytes = cache.buffer(kRowBytes);
  bytes->assign(kRowBytes, static_cast<std::uint8_t>(number));
  cache.put(row_of(number), std::move(bytes));
}

bool has(RowCache& cache, std::uint64_t number) {
  const RowBytes found = cache.find(row_of(number));
  if (found) CHECK(*found == base::Bytes(kRowBytes, static_cast<std::uint8_t>(number)));
  return found != nullptr;
}

std::size_t room_for(std::size_t rows) { return rows * (kRowBytes + RowCache::kAroundRow); }

}  // namespace

TEST_CASE("row cache: all of its room is used, and what is looked at stays") {
  RowCache cache(room_for(100));
  cache.clear(7);
  for (std::uint64_t number = 0; number < 100; ++number) put(cache, number);
  for (std::uint64_t number = 0; number < 100; ++number) CHECK(has(cache, number));
  CHECK(cache.bytes() == room_for(100));
  put(cache, 100);  // the hand has passed all of them, and knows from now on who is looked at
  for (std::uint64_t number = 101; number < 1'000; ++number) {
    CHECK(has(cache, 100));
    put(cache, number);
    CHECK(cache.bytes() <= room_for(100));
    CHECK(cache.size() > 90);  // all that are unused in one bucket go at once
    CHECK(has(cache, number));
  }
}

TEST_CASE("row cache: a row that is forgotten or replaced gives up its bytes, and its buffer is used again") {
  RowCache cache(room_for(100));
  cache.clear(7);
  put(cache, 1);
  const void* const first = cache.find(row_of(1))->data();
  cache.forget(row_of(1));
  cache.forget(row_of(1));
  CHECK(cache.bytes() == 0);
  CHECK_FALSE(has(cache, 1));
  put(cache, 2);
  CHECK(cache.find(row_of(2))->data() == first);
  put(cache, 2);
  CHECK(cache.size() == 1);
  CHECK(cache.bytes() == room_for(1));
  cache.clear(8);
  CHECK(cache.size() + cache.bytes() == 0);
}

TEST_CASE("row cache: a buffer that is still held is used for no other row") {
  RowCache cache(room_for(2));
  cache.clear(7);
  put(cache, 1);
  const RowBytes held = cache.find(row_of(1));
  cache.forget(row_of(1));
  for (std::uint64_t number = 2; number < 50; ++number) put(cache, number);
  CHECK(*held == base::Bytes(kRowBytes, 1));
}

TEST_CASE("row cache: a row larger than its room is alone there, so that who asked for it finds it") {
  RowCache cache(room_for(1) - 1);
  cache.clear(7);
  for (std::uint64_t number = 1; number < 9; ++number) {
    put(cache, number);
    CHECK(has(cache, number));
    CHECK(cache.size() == 1);
  }
}

TEST_CASE("row cache: a small row does not keep the buffer of a large one") {
  constexpr std::size_t kSmall = 3 * RowCache::kBufferStep - 5, kLarge = 40'000;
  RowCache cache(std::size_t{1} << 20);
  cache.clear(7);
  std::uint64_t number = 0;
  for (int round = 0; round < 500; ++round) {
    for (const std::size_t size : {kLarge, kSmall, 2 * kSmall, kSmall}) {
      auto bytes = cache.buffer(size);
      bytes->assign(size, 1);
      CHECK(bytes->capacity() < size + RowCache::kBufferStep);
      cache.put(row_of(++number), std::move(bytes));
    }
    for (std::uint64_t old = number - 3; old <= number; ++old) cache.forget(row_of(old));
  }
  CHECK(cache.bytes() == 0);
}

TEST_CASE("row cache: while it is held nothing goes, and what is above its room goes later") {
  RowCache cache(room_for(10));
  cache.clear(7);
  cache.hold();
  for (std::uint64_t number = 0; number < 100; ++number) put(cache, number);
  for (std::uint64_t number = 0; number < 100; ++number) CHECK(has(cache, number));
  cache.let_go();
  put(cache, 100);
  CHECK(cache.bytes() <= room_for(10));
  CHECK(has(cache, 100));
}
