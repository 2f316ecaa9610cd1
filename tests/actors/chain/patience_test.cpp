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
  CHECK(patience.rank() == 9);
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
    CHECK(patience.rank() == i + 2);
  }
  for (const int seconds : {1, 2, 4}) {
    patience.busy(now);
    CHECK(held_for(patience, now) == seconds);
  }
}

TEST_CASE("patience: who has given is asked before who was never asked, and that one before who was silent") {
  Patience given, unknown, silent;
  given.gave();
  silent.missed(base::Instant{100s});
  CHECK(given.rank() < unknown.rank());
  CHECK(unknown.rank() < silent.rank());
  given.missed(base::Instant{100s});
  given.missed(base::Instant{100s});
  CHECK(unknown.rank() < given.rank());
}

TEST_CASE("patience: a node is waited for alone as long as it usually takes, within bounds") {
  Patience patience;
  CHECK(patience.alone() == Patience::kBesideMin);
  patience.took(100ms);
  CHECK(patience.alone() == Patience::kBesideMin);
  patience.took(4s);
  CHECK(patience.alone() == 8s);
  patience.missed(base::Instant{100s});
  patience.gave();
  CHECK(patience.alone() == 8s);
  patience.took(1s);
  CHECK(patience.alone() == 7s);  // one quick answer says little
  patience.took(20s);
  CHECK(patience.alone() == Patience::kBesideMax);
}
