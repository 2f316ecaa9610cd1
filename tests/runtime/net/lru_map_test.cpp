#include "runtime/net/logic/lru_map.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <vector>

using namespace troupe;
using net::LruMap;

TEST_CASE("lru map: one entry beyond the capacity removes the least recently used entry") {
  LruMap<int, int> map(2);
  map.put(1, 10);
  CHECK_FALSE(map.full());
  map.put(2, 20);
  CHECK(map.full());
  REQUIRE(map.use(1) != nullptr);
  REQUIRE(map.find(2) != nullptr);  // find() does not count as a use
  map.put(3, 30);
  CHECK(map.size() == 2);
  CHECK(map.find(2) == nullptr);
  CHECK(*map.find(1) == 10);
  CHECK(map.take(1) == 10);
  CHECK_FALSE(map.take(1));
  map.forget_if([](int value) { return value == 30; });
  CHECK(map.size() == 0);
}

TEST_CASE("lru map: a capacity of zero is a broken invariant") {
  CHECK_THROWS_AS((LruMap<int, int>(0)), base::InvariantBroken);
}

TEST_CASE("lru map: it holds the same entries as a list that is searched linearly") {
  const bool held = rc::check([] {
    constexpr std::size_t kCapacity = 4;
    LruMap<int, int> map(kCapacity);
    std::vector<std::pair<int, int>> oldest_first;
    for (int step = 0; step < 100; ++step) {
      const int which = *rc::gen::inRange(0, 8);
      const auto known = std::ranges::find(oldest_first, which, &std::pair<int, int>::first);
      const bool there = known != oldest_first.end();
      const int what = *rc::gen::inRange(0, 10);
      if (what < 5) {
        if (there) oldest_first.erase(known);
        else if (oldest_first.size() == kCapacity) oldest_first.erase(oldest_first.begin());
        oldest_first.emplace_back(which, step);
        RC_ASSERT(map.put(which, step) == step);
      } else if (what < 8) {
        RC_ASSERT((map.use(which) != nullptr) == there);
        if (there) std::rotate(known, known + 1, oldest_first.end());
      } else if (what < 9) {
        RC_ASSERT(map.take(which).has_value() == there);
        if (there) oldest_first.erase(known);
      } else {
        map.forget_if([](int value) { return value % 3 == 0; });
        std::erase_if(oldest_first, [](const auto& one) { return one.second % 3 == 0; });
      }
      RC_ASSERT(map.size() == oldest_first.size());
      for (const auto& [key, value] : oldest_first) RC_ASSERT(*map.find(key) == value);
    }
  });
  CHECK(held);
}
