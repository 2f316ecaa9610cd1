#include "actors/chain/logic/peer_score.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::chain;
using namespace std::chrono_literals;

namespace {

/// How long it is held off at `now`, in whole seconds.
int held_for(const PeerScore& score, base::Instant now) {
  int out = 0;
  while (!score.may_ask(now + std::chrono::seconds(out))) ++out;
  return out;
}

}  // namespace

TEST_CASE("peer score: a node that gives nothing is asked ever more rarely") {
  PeerScore score;
  const base::Instant now{100s};
  CHECK(score.may_ask(now));
  for (const int seconds : {1, 2, 4, 8, 16, 32, 64, 64}) {
    score.missed(now);
    CHECK(held_for(score, now) == seconds);
  }
  CHECK_FALSE(score.may_ask(now + 64s - 1ns));
  CHECK(score.rank() == 9);
  score.gave();
  CHECK(score.may_ask(now));
  CHECK(score.rank() == 0);
}

TEST_CASE("peer score: a node that is busy again and again is held off, and ranks lower") {
  PeerScore score;
  const base::Instant now{100s};
  for (unsigned i = 0; i < PeerScore::kBusyMax; ++i) {
    score.busy(now);
    CHECK(score.may_ask(now));
    CHECK(score.rank() == i + 2);
  }
  for (const int seconds : {1, 2, 4}) {
    score.busy(now);
    CHECK(held_for(score, now) == seconds);
  }
}

TEST_CASE("peer score: a giver ranks before a new node, which ranks before a silent node") {
  PeerScore given, unknown, silent;
  given.gave();
  silent.missed(base::Instant{100s});
  CHECK(given.rank() < unknown.rank());
  CHECK(unknown.rank() < silent.rank());
  given.missed(base::Instant{100s});
  given.missed(base::Instant{100s});
  CHECK(unknown.rank() < given.rank());
}

TEST_CASE("peer score: a node is waited for alone as long as it usually takes") {
  PeerScore score;
  CHECK(score.alone() == PeerScore::kBesideMin);
  score.took(100ms);
  CHECK(score.alone() == PeerScore::kBesideMin);
  score.took(4s);
  CHECK(score.alone() == 8s);
  score.missed(base::Instant{100s});
  score.gave();
  CHECK(score.alone() == 8s);
  score.took(1s);
  CHECK(score.alone() == 7s);  // one quick answer says little
  score.took(20s);
  CHECK(score.alone() == PeerScore::kBesideMax);
}
