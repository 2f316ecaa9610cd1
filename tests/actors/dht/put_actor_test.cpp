// What an operator may put, and what is kept published of it.
#include <doctest/doctest.h>

#include "tests/actors/dht/quarter.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using Result = troupe::dht::wire::StoreDone::Result;

namespace {

constexpr std::uint64_t kMost = ~std::uint64_t{0};
constexpr std::uint64_t kDay = 24 * 3'600 * 1'000;

auto expecting(std::uint64_t sequence) {
  return [sequence](wire::Put::Builder order) { order.getExpected().setSequence(sequence); };
}

}  // namespace

TEST_CASE("dht put: a sequence far ahead of the date is not expected, and freezes no name") {
  Quarter quarter(3);
  const auto date = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(quarter.wall().since_origin()).count());
  for (const std::uint64_t far : {kMost, kMost - 1, date + 2 * kDay}) {
    const auto refused = quarter.put(0, Space::kv, "orders", "seven", expecting(far));
    REQUIRE(refused.error);
    CHECK(refused.error->code == Code::malformed);
  }
  CHECK_FALSE(quarter.put(0, Space::kv, "orders", "seven", expecting(date + kDay / 2)).error);

  // One that is held may be expected, wherever it lies; other names do not go on from there.
  const Record far = quarter.signed_by(0, kMost - 9, "far", "far");
  REQUIRE(quarter.store(0, 1, far).result == Result::STORED);
  REQUIRE(quarter.store(1, 0, far).result == Result::STORED);
  const auto next = quarter.put(0, Space::kv, "far", "farther", expecting(kMost - 9));
  CHECK_FALSE(next.error);
  CHECK(next.sequence == kMost - 8);
  const auto other = quarter.put(0, Space::kv, "near", "x");
  CHECK_FALSE(other.error);
  CHECK(other.sequence < date + 2 * kDay);
}

TEST_CASE("dht put: what this node does not sign has no end and no number to expect") {
  Quarter quarter(3);
  for (const Space space : {Space::pk, Space::cid}) {
    const auto numbered = quarter.put(0, space, {}, space == Space::cid ? "value" : "", expecting(7));
    REQUIRE(numbered.error);
    CHECK(numbered.error->code == Code::malformed);
    const auto ended = quarter.put(0, space, {}, space == Space::cid ? "value" : "",
                                   [](wire::Put::Builder order) { order.setSeconds(60); });
    REQUIRE(ended.error);
    CHECK(ended.error->code == Code::malformed);
  }
  CHECK(quarter.state(0).records == 0);
  CHECK_FALSE(quarter.put(0, Space::cid, {}, "value").error);
}

TEST_CASE("dht put: a search that provides and is to be kept is published again") {
  Quarter quarter(3);
  const auto provide = [&](bool keep) {
    REQUIRE_FALSE(quarter.ask<wire::Search, wire::SearchResult>(0, [&](wire::Search::Builder search) {
      search.setKey(data_of(key(5).view()));
      search.getGoal().setProvide();
      search.setKeep(keep);
    }));
    quarter.stage.run_for(1s);
    return quarter[0].settings.counters->published.load();
  };
  CHECK(provide(false) == 0);
  CHECK(provide(true) == 1);
}
