#include "actors/task/logic/risk.hpp"

#include <doctest/doctest.h>

#include "actors/task/logic/collusion.hpp"
#include "runtime/base/random.hpp"

using namespace troupe;
using namespace troupe::task;

TEST_CASE("risk: the wrong answer is first as often as a race of workers says") {
  CHECK(wrong_of(1, 0.1) == doctest::Approx(0.1));
  CHECK(wrong_of(2, 0.1) == doctest::Approx(0.01 * (1 + 2 * 0.9)));
  CHECK(wrong_of(3, 0.5) == doctest::Approx(0.5));
  CHECK(wrong_of(4, 0) == 0);
  CHECK(wrong_of(4, 1) == 1);
  base::Random random(7);
  constexpr int kRaces = 200'000;
  int wrong = 0;
  for (int i = 0; i < kRaces; ++i) {
    unsigned votes[2] = {};
    while (votes[0] < 3 && votes[1] < 3) ++votes[random.below(10) < 2 ? 1 : 0];
    wrong += votes[1] == 3;
  }
  CHECK(static_cast<double>(wrong) / kRaces == doctest::Approx(wrong_of(3, 0.2)).epsilon(0.05));
}

TEST_CASE("risk: the smallest number of equal answers is chosen, and none where colluders win") {
  CHECK(first_to(0.1, 0.1, 8) == 1);
  CHECK(first_to(0.001, 0.1, 8) == 5);
  CHECK(wrong_of(4, 0.1) > 0.001);
  CHECK(wrong_of(5, 0.1) <= 0.001);
  CHECK_FALSE(first_to(0.001, 0.5, 8));
}

TEST_CASE("risk: a worker is believed after ten right answers in a row, and looked at now and then") {
  Record record;
  for (int i = 0; i < 9; ++i) record.right();
  for (std::uint64_t draw = 0; draw < 100; ++draw) CHECK_FALSE(record.believed(draw));
  record.right();
  int believed = 0;
  for (std::uint64_t draw = 0; draw < 100; ++draw) believed += record.believed(draw);
  CHECK(believed == 90);
  for (int i = 0; i < 99; ++i) record.right();
  CHECK(record.row() == kValidMax);
  record.wrong();
  CHECK_FALSE(record.believed(1));
}

TEST_CASE(
    "collusion: equal answers keep the wrong ones as rare as they promise, and trust costs honest workers little") {
  const auto m = first_to(0.001, 0.1, 15);
  REQUIRE(m == 5);
  const Collusion kept_out = collude({.way = Way::first, .first_to = *m, .colluding = 0.1});
  CHECK(kept_out.wrong_share() <= 0.001);
  CHECK(kept_out.overhead() < 5);
  CollusionPlan honest{.way = Way::trust};
  honest.warm_up = 200 * honest.workers;
  const Collusion cheap = collude(honest);
  CHECK(cheap.wrong == 0);
  CHECK(cheap.overhead() <= 0.15);
  honest.colluding = 0.1;
  CHECK(collude(honest).wrong > 0);
  CHECK(collude(honest).wrong == collude(honest).wrong);
}
