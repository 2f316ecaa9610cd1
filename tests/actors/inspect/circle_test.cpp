// Circles of questions, against a search that tries every way.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "actors/inspect/survey.hpp"
#include "runtime/base/random.hpp"

using namespace troupe;
using namespace troupe::inspect;

namespace {

using Asks = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

/// Whether anybody comes round to itself: who can be reached grows until it does not.
bool has_circle(const Asks& asks) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> reached(asks.begin(), asks.end());
  for (std::size_t before = 0; before != reached.size();) {
    before = reached.size();
    const auto known = reached;
    for (const auto& [a, b] : known)
      for (const auto& [c, d] : known)
        if (b == c) reached.emplace(a, d);
  }
  return std::ranges::any_of(reached, [](const auto& one) { return one.first == one.second; });
}

/// Whether each asks the next one and the last one the first, and nobody is in it twice.
bool is_circle(const std::vector<std::uint64_t>& way, const Asks& asks) {
  const std::set<std::uint64_t> once(way.begin(), way.end());
  if (way.empty() || once.size() != way.size()) return false;
  for (std::size_t i = 0; i < way.size(); ++i) {
    const std::pair step{way[i], way[(i + 1) % way.size()]};
    if (std::ranges::find(asks, step) == asks.end()) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("circle: nobody, a chain and a fork that meets again are none") {
  CHECK(find_circle({}).empty());
  CHECK(find_circle({{1, 2}, {2, 3}, {3, 4}}).empty());
  CHECK(find_circle({{1, 2}, {1, 3}, {2, 4}, {3, 4}}).empty());
}

TEST_CASE("circle: of one, of two, and behind those who only wait for it") {
  CHECK(find_circle({{7, 7}}) == std::vector<std::uint64_t>{7});
  CHECK(find_circle({{1, 2}, {2, 1}}) == std::vector<std::uint64_t>{1, 2});
  CHECK(find_circle({{1, 5}, {5, 9}, {9, 5}, {2, 1}}) == std::vector<std::uint64_t>{5, 9});
}

TEST_CASE("circle: one as long as actors are asked is found") {
  Asks asks;
  for (std::uint64_t i = 0; i < kAskersMax; ++i) asks.emplace_back(i, (i + 1) % kAskersMax);
  CHECK(find_circle(asks).size() == kAskersMax);
  asks.pop_back();
  CHECK(find_circle(asks).empty());
}

TEST_CASE("circle: it is found whenever there is one, and is one") {
  int circles = 0;
  const bool held = rc::check([&] {
    base::Random random(*rc::gen::arbitrary<std::uint64_t>());
    const std::uint64_t actors = 1 + random.below(12);
    Asks asks(random.below(actors * 2));
    for (auto& [who, whom] : asks) who = random.below(actors), whom = random.below(actors);
    if (random.chance(1, 2)) std::erase_if(asks, [](const auto& one) { return one.first == one.second; });
    const auto way = find_circle(asks);
    RC_ASSERT(way.empty() != has_circle(asks));
    if (way.empty()) return;
    ++circles;
    RC_ASSERT(is_circle(way, asks));
  });
  CHECK(held);
  CHECK(circles > 10);
}
