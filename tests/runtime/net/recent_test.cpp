#include "runtime/net/logic/recent.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <vector>

using namespace troupe;
using net::Recent;

TEST_CASE("net: of what is recent the entry that was used least lately makes room for one more than the most") {
  Recent<int, int> recent(2);
  recent.put(1, 10);
  CHECK_FALSE(recent.full());
  recent.put(2, 20);
  CHECK(recent.full());
  REQUIRE(recent.use(1) != nullptr);
  REQUIRE(recent.find(2) != nullptr);  // finding is no use
  recent.put(3, 30);
  CHECK(recent.size() == 2);
  CHECK(recent.find(2) == nullptr);
  CHECK(*recent.find(1) == 10);
  CHECK(recent.take(1) == 10);
  CHECK_FALSE(recent.take(1));
  recent.forget_if([](int value) { return value == 30; });
  CHECK(recent.size() == 0);
}

TEST_CASE("net: room for nothing recent is a broken invariant") {
  CHECK_THROWS_AS((Recent<int, int>(0)), base::InvariantBroken);
}

TEST_CASE("net: what is recent is what a list is that is searched from end to end") {
  const bool held = rc::check([] {
    constexpr std::size_t kMost = 4;
    Recent<int, int> recent(kMost);
    std::vector<std::pair<int, int>> oldest_first;
    for (int step = 0; step < 100; ++step) {
      const int which = *rc::gen::inRange(0, 8);
      const auto known = std::ranges::find(oldest_first, which, &std::pair<int, int>::first);
      const bool there = known != oldest_first.end();
      const int what = *rc::gen::inRange(0, 10);
      if (what < 5) {
        if (there) oldest_first.erase(known);
        else if (oldest_first.size() == kMost) oldest_first.erase(oldest_first.begin());
        oldest_first.emplace_back(which, step);
        RC_ASSERT(recent.put(which, step) == step);
      } else if (what < 8) {
        RC_ASSERT((recent.use(which) != nullptr) == there);
        if (there) std::rotate(known, known + 1, oldest_first.end());
      } else if (what < 9) {
        RC_ASSERT(recent.take(which).has_value() == there);
        if (there) oldest_first.erase(known);
      } else {
        recent.forget_if([](int value) { return value % 3 == 0; });
        std::erase_if(oldest_first, [](const auto& one) { return one.second % 3 == 0; });
      }
      RC_ASSERT(recent.size() == oldest_first.size());
      for (const auto& [key, value] : oldest_first) RC_ASSERT(*recent.find(key) == value);
    }
  });
  CHECK(held);
}
