#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "runtime/actor/logic/deadlines.hpp"
#include "runtime/base/random.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using base::Instant;
using runtime::logic::Deadlines;
using runtime::logic::kDeadSlack;

namespace {

// The dumb version: a map in the order in which things are due.
class Oracle {
 public:
  void add(std::uint64_t id, Instant due) {
    remove(id);
    entries_[{due, ++order_}] = id;
  }
  bool remove(std::uint64_t id) {
    return std::erase_if(entries_, [&](const auto& entry) { return entry.second == id; }) > 0;
  }
  std::optional<Instant> next() const {
    if (entries_.empty()) return std::nullopt;
    return entries_.begin()->first.first;
  }
  std::optional<std::uint64_t> take_due(Instant now) {
    if (entries_.empty() || entries_.begin()->first.first > now) return std::nullopt;
    const std::uint64_t id = entries_.begin()->second;
    entries_.erase(entries_.begin());
    return id;
  }
  std::size_t size() const { return entries_.size(); }
  std::optional<Instant> due(std::uint64_t id) const {
    const auto found = std::ranges::find_if(entries_, [&](const auto& entry) { return entry.second == id; });
    if (found == entries_.end()) return std::nullopt;
    return found->first.first;
  }

 private:
  std::map<std::pair<Instant, std::uint64_t>, std::uint64_t> entries_;
  std::uint64_t order_ = 0;
};

std::vector<std::uint64_t> drain(Deadlines& deadlines, Instant now) {
  std::vector<std::uint64_t> out;
  while (const auto id = deadlines.take_due(now)) out.push_back(*id);
  return out;
}

}  // namespace

TEST_CASE("deadlines: an id is due at its instant and not before, and equal instants keep their order") {
  Deadlines deadlines;
  CHECK_FALSE(deadlines.next().has_value());
  CHECK_FALSE(deadlines.take_due(Instant::max()).has_value());
  deadlines.add(3, Instant(2s));
  deadlines.add(1, Instant(2s));
  deadlines.add(2, Instant(1s));
  CHECK(deadlines.next() == Instant(1s));
  CHECK(drain(deadlines, Instant(1s - 1ns)).empty());
  CHECK(drain(deadlines, Instant(1s)) == std::vector<std::uint64_t>{2});
  CHECK(drain(deadlines, Instant(9s)) == std::vector<std::uint64_t>{3, 1});
  CHECK(deadlines.size() == 0);
}

TEST_CASE("deadlines: adding an id again moves it, and removing it twice is told apart") {
  Deadlines deadlines;
  deadlines.add(7, Instant(1s));
  deadlines.add(8, Instant(2s));
  deadlines.add(7, Instant(3s));
  CHECK(deadlines.size() == 2);
  CHECK(deadlines.next() == Instant(2s));
  CHECK(deadlines.remove(8));
  CHECK_FALSE(deadlines.remove(8));
  CHECK(deadlines.next() == Instant(3s));
  deadlines.add(7, Instant(1s));
  CHECK(drain(deadlines, Instant(5s)) == std::vector<std::uint64_t>{7});
}

TEST_CASE("deadlines: an entry that never comes due is held, the end of time included") {
  Deadlines deadlines;
  deadlines.add(0, Instant::max());
  deadlines.add(~0ull, Instant(-5s));
  CHECK(deadlines.take_due(Instant(-5s)) == ~0ull);
  CHECK_FALSE(deadlines.take_due(Instant::max() - 1ns).has_value());
  CHECK(deadlines.take_due(Instant::max()) == 0u);
}

TEST_CASE("deadlines: when an id is due is known while it waits, also behind others and after it was moved") {
  Deadlines deadlines;
  CHECK_FALSE(deadlines.due(0).has_value());
  deadlines.add(0, Instant(5s));
  deadlines.add(1, Instant(3s));
  CHECK(deadlines.due(0) == Instant(5s));
  deadlines.add(0, Instant(9s));
  CHECK(deadlines.due(0) == Instant(9s));
  CHECK(deadlines.due(1) == Instant(3s));
  CHECK_FALSE(deadlines.due(2).has_value());
  CHECK(deadlines.remove(0));
  CHECK_FALSE(deadlines.due(0).has_value());
  CHECK(deadlines.take_due(Instant(3s)) == 1u);
  CHECK_FALSE(deadlines.due(1).has_value());
}

TEST_CASE("deadlines: answered asks leave nothing, whatever their deadline") {
  constexpr std::uint64_t kAsks = test::rounds(1'000'000), kCrowd = test::rounds(100'000);
  Deadlines deadlines;
  std::size_t most = 0;
  for (std::uint64_t i = 0; i < kAsks; ++i) {
    const Instant now{std::chrono::microseconds(i)};
    deadlines.add(i, now + 60s);
    REQUIRE(deadlines.remove(i));
    most = std::max(most, deadlines.entries_held());
  }
  CHECK(deadlines.size() == 0);
  CHECK(most <= 2 * kDeadSlack);

  SUBCASE("also behind one that stays, which keeps the dead from the top") {
    deadlines.add(1, Instant(0s));
    for (std::uint64_t i = 2; i < kAsks; ++i) {
      deadlines.add(i, Instant(60s));
      REQUIRE(deadlines.remove(i));
      most = std::max(most, deadlines.entries_held());
    }
    CHECK(most <= 4 * kDeadSlack);
    CHECK(deadlines.next() == Instant(0s));
  }
  SUBCASE("also after a crowd has left, in either way") {
    for (const bool by_time : {false, true}) {
      for (std::uint64_t i = 0; i < kCrowd; ++i) deadlines.add(i, Instant(60s));
      CHECK(deadlines.entries_held() >= kCrowd);
      for (std::uint64_t i = 0; i < kCrowd; ++i)
        CHECK((by_time ? deadlines.take_due(Instant(60s)) == i : deadlines.remove(i)));
      CHECK(deadlines.entries_held() <= 4 * kDeadSlack);
    }
  }
}

TEST_CASE("deadlines: any sequence of calls does what an ordered map does") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    base::Random random(seed);
    Deadlines deadlines;
    Oracle oracle;
    const std::uint64_t ids = 1 + random.below(200);      // few: many are added again and removed twice
    const std::uint64_t instants = 1 + random.below(50);  // few: many are equal
    const std::uint64_t stride = random.chance(1, 2) ? 1 : 0x9e3779b97f4a7c15u;
    const std::uint64_t adds = 1 + random.below(9);
    for (int step = 0; step < 1'000; ++step) {
      const std::uint64_t id = random.below(ids) * stride;
      const Instant when{std::chrono::seconds(random.below(instants))};
      if (random.below(10) < adds) {
        deadlines.add(id, when);
        oracle.add(id, when);
      } else if (random.chance(2, 3)) {
        REQUIRE(deadlines.remove(id) == oracle.remove(id));
      } else {
        REQUIRE(deadlines.take_due(when) == oracle.take_due(when));
      }
      REQUIRE(deadlines.next() == oracle.next());
      REQUIRE(deadlines.size() == oracle.size());
      REQUIRE(deadlines.due(id) == oracle.due(id));
      REQUIRE(deadlines.entries_held() <= 16 * oracle.size() + 4 * kDeadSlack);
    }
    while (const auto id = oracle.take_due(Instant::max())) REQUIRE(deadlines.take_due(Instant::max()) == id);
  }
}
