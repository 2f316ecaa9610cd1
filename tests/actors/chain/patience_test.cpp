#include "actors/chain/logic/patience.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::chain;
using namespace std::chrono_literals;

namespace {

/// How long it is held off at `now`, in whole seconds.
int held_for(const Patience& patience, base::Instant now) {
  int out = 0;
  while (!patience.may_ask(now + std::chrono::seconds(out))) ++out;
  return out;
}

}  // namespace

TEST_CASE("patience: who gives nothing is asked ever more rarely, until it gives something") {
  Patience patience;
  const base::Instant now{100s};
  CHECK(patience.may_ask(now));
  for (const int seconds : {1, 2, 4, 8, 16, 32, 64, 64}) {
    patience.missed(now);
    CHECK(held_for(patience, now) == seconds);
  }
  CHECK_FALSE(patience.may_ask(now + 64s - 1ns));
  CHECK(patience.rank() == 8);
  patience.gave();
  CHECK(patience.may_ask(now));
  CHECK(patience.rank() == 0);
}

TEST_CASE("patience: who is busy again and again is held off as one that does not answer, and ranks after others") {
  Patience patience;
  const base::Instant now{100s};
  for (unsigned i = 0; i < Patience::kBusyMax; ++i) {
    patience.busy(now);
    CHECK(patience.may_ask(now));
    CHECK(patience.rank() == i + 1);
  }
  for (const int seconds : {1, 2, 4}) {
    patience.busy(now);
    CHECK(held_for(patience, now) == seconds);
  }
}
