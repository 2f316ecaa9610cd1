#include "actors/peers/logic/peer_scores.hpp"

#include "tests/actors/peers/fixture.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::peers;
using troupe::test::kStart;

namespace {

constexpr Violation kAll[] = {Violation::malformed,  Violation::protocol,   Violation::forbidden,
                              Violation::flooding,   Violation::too_many,   Violation::unproven_contact,
                              Violation::undialable, Violation::bad_record, Violation::wrong_token};

}  // namespace

TEST_CASE("peer scores: points add up to a ban, and are none after it") {
  for (const Violation violation : kAll) {
    PeerScores scores;
    const std::uint32_t each = points_of(violation);
    base::Instant now = kStart;
    std::uint32_t times = 1;
    for (; !scores.add(id_of(1), violation, now) && times < 100; ++times) {
      CHECK(scores.score(id_of(1), now) >= each);
      CHECK(scores.score(id_of(1), now) < kPointsBan);
      if (light(violation)) now = now + kLightGap;
    }
    CHECK(scores.score(id_of(1), now) == 0);
    CHECK(scores.score(id_of(2), now) == 0);
    if (!light(violation)) CHECK(times == (kPointsBan + each - 1) / each);
    else CHECK(times > kPointsBan / each);  // some are forgiven meanwhile
  }
}

TEST_CASE("peer scores: ten points a minute are forgiven, to the second and not before") {
  PeerScores scores;
  scores.add(id_of(1), Violation::protocol, kStart);
  CHECK(scores.score(id_of(1), kStart + 6s - 1ns) == 50);
  CHECK(scores.score(id_of(1), kStart + 6s) == 49);
  CHECK(scores.score(id_of(1), kStart + 299s) == 1);
  CHECK(scores.score(id_of(1), kStart + 300s) == 0);
  CHECK_FALSE(scores.add(id_of(1), Violation::malformed, kStart + 3s));
  CHECK(scores.score(id_of(1), kStart + 6s) == 74);  // the half of a point is not lost
  CHECK_FALSE(scores.add(id_of(1), Violation::malformed, kStart + 24h));
  CHECK(scores.score(id_of(1), kStart + 24h) == 25);  // and a day without violations is no credit
  CHECK(scores.score(id_of(1), kStart) == 25);        // a clock that is behind forgives nothing
}

TEST_CASE("peer scores: what honest nodes do in bursts counts once in a while, whatever comes meanwhile") {
  PeerScores scores;
  for (int i = 0; i < 10'000; ++i) CHECK_FALSE(scores.add(id_of(1), Violation::wrong_token, kStart));
  CHECK_FALSE(scores.add(id_of(1), Violation::flooding, kStart + kLightGap - 1ns));
  CHECK(scores.score(id_of(1), kStart) == points_of(Violation::wrong_token));
  CHECK(scores.violations() == 1);
  bool banned = false;
  for (base::Instant now = kStart; now < kStart + 1h && !banned; now = now + 1s)
    banned = scores.add(id_of(1), Violation::wrong_token, now);
  CHECK(banned);  // a node that goes on is banned in the end
}

TEST_CASE("peer scores: each ban is twice as long as the last, a day at most, until it is forgotten") {
  PeerScores scores;
  base::Instant now = kStart;
  for (base::Duration span = kBanMin; span < kBanMax; span *= 2) {
    const base::Instant until = scores.ban(id_of(1), now);
    CHECK(until == now + span);
    CHECK(scores.banned_until(id_of(1), until - 1ns) == until);
    CHECK_FALSE(scores.banned_until(id_of(1), until));
    now = until;
  }
  now = scores.ban(id_of(1), now);
  CHECK(scores.ban(id_of(1), now) == now + kBanMax);
  scores.prune(now + 2 * kBanMax - 1ns);
  CHECK(scores.ban(id_of(1), now) == now + kBanMax);
  scores.prune(now + 2 * kBanMax);
  CHECK(scores.ban(id_of(1), now) == now + kBanMin);
}

TEST_CASE("peer scores: as many are noted as may be, and one more takes the place of the least") {
  PeerScores scores;
  SUBCASE("of those with points, of the one with the fewest") {
    for (std::uint32_t i = 1; i <= kScoredMax; ++i)
      scores.add(id_of(i), i == 7 ? Violation::undialable : Violation::protocol, kStart);
    scores.add(id_of(5'000), Violation::protocol, kStart);
    CHECK(scores.score(id_of(7), kStart) == 0);
    CHECK(scores.score(id_of(8), kStart) == 50);
    CHECK(scores.score(id_of(5'000), kStart) == 50);
  }
  SUBCASE("of those that are banned, of the one that would end first") {
    for (std::uint32_t i = 1; i <= kStrangersMax; ++i) scores.ban(id_of(i), i == 7 ? kStart - 1s : kStart);
    scores.ban(id_of(5'000), kStart);
    CHECK(scores.banned(kStart).size() == kStrangersMax);
    CHECK_FALSE(scores.banned_until(id_of(7), kStart));
    CHECK(scores.banned_until(id_of(5'000), kStart));
  }
}

TEST_CASE("peer scores: an unban clears points and ban, but not the number of earlier bans") {
  PeerScores scores;
  CHECK_FALSE(scores.unban(id_of(1), kStart));
  scores.add(id_of(1), Violation::malformed, kStart);
  CHECK(scores.unban(id_of(1), kStart));
  CHECK(scores.score(id_of(1), kStart) == 0);
  scores.ban(id_of(1), kStart);
  CHECK(scores.unban(id_of(1), kStart));
  CHECK_FALSE(scores.banned_until(id_of(1), kStart));
  CHECK_FALSE(scores.unban(id_of(1), kStart));
  CHECK(scores.ban(id_of(1), kStart) == kStart + 2 * kBanMin);
}
