#include "actors/peers/logic/conduct.hpp"

#include "tests/actors/peers/fixture.hpp"

using namespace troupe;
using namespace troupe::peers;

namespace {

constexpr base::Instant kNow{1000s};

constexpr Offence kAll[] = {Offence::malformed,  Offence::protocol,   Offence::forbidden,
                            Offence::flooding,   Offence::too_many,   Offence::unproven_contact,
                            Offence::undialable, Offence::bad_record, Offence::wrong_token};

}  // namespace

TEST_CASE("conduct: points add up to a ban, and are none after it") {
  for (const Offence offence : kAll) {
    Conduct conduct;
    const std::uint32_t each = points_of(offence);
    base::Instant now = kNow;
    std::uint32_t times = 1;
    for (; !conduct.offend(id_of(1), offence, now) && times < 100; ++times) {
      CHECK(conduct.score(id_of(1), now) >= each);
      CHECK(conduct.score(id_of(1), now) < kPointsBan);
      if (light(offence)) now = now + kLightGap;
    }
    CHECK(conduct.score(id_of(1), now) == 0);
    CHECK(conduct.score(id_of(2), now) == 0);
    if (!light(offence)) CHECK(times == (kPointsBan + each - 1) / each);
    else CHECK(times > kPointsBan / each);  // some are forgiven meanwhile
  }
}

TEST_CASE("conduct: ten points a minute are forgiven, to the second and not before") {
  Conduct conduct;
  conduct.offend(id_of(1), Offence::protocol, kNow);
  CHECK(conduct.score(id_of(1), kNow + 6s - 1ns) == 50);
  CHECK(conduct.score(id_of(1), kNow + 6s) == 49);
  CHECK(conduct.score(id_of(1), kNow + 299s) == 1);
  CHECK(conduct.score(id_of(1), kNow + 300s) == 0);
  CHECK_FALSE(conduct.offend(id_of(1), Offence::malformed, kNow + 3s));
  CHECK(conduct.score(id_of(1), kNow + 6s) == 74);  // the half of a point is not lost
  CHECK_FALSE(conduct.offend(id_of(1), Offence::malformed, kNow + 24h));
  CHECK(conduct.score(id_of(1), kNow + 24h) == 25);  // and a day without offences is no credit
  CHECK(conduct.score(id_of(1), kNow) == 25);        // a clock that is behind forgives nothing
}

TEST_CASE("conduct: what honest nodes do in bursts counts once in a while, whatever comes meanwhile") {
  Conduct conduct;
  for (int i = 0; i < 10'000; ++i) CHECK_FALSE(conduct.offend(id_of(1), Offence::wrong_token, kNow));
  CHECK_FALSE(conduct.offend(id_of(1), Offence::flooding, kNow + kLightGap - 1ns));
  CHECK(conduct.score(id_of(1), kNow) == points_of(Offence::wrong_token));
  CHECK(conduct.offences() == 1);
  bool banned = false;
  for (base::Instant now = kNow; now < kNow + 1h && !banned; now = now + 1s)
    banned = conduct.offend(id_of(1), Offence::wrong_token, now);
  CHECK(banned);  // who goes on and on is banned in the end
}

TEST_CASE("conduct: each ban is twice as long as the last, a day at most, until it is forgotten") {
  Conduct conduct;
  base::Instant now = kNow;
  for (base::Duration span = kBanMin; span < kBanMax; span *= 2) {
    const base::Instant until = conduct.ban(id_of(1), now);
    CHECK(until == now + span);
    CHECK(conduct.banned_until(id_of(1), until - 1ns) == until);
    CHECK_FALSE(conduct.banned_until(id_of(1), until));
    now = until;
  }
  now = conduct.ban(id_of(1), now);
  CHECK(conduct.ban(id_of(1), now) == now + kBanMax);
  conduct.prune(now + 2 * kBanMax - 1ns);
  CHECK(conduct.ban(id_of(1), now) == now + kBanMax);
  conduct.prune(now + 2 * kBanMax);
  CHECK(conduct.ban(id_of(1), now) == now + kBanMin);
}

TEST_CASE("conduct: as many are noted as may be, and one more takes the place of the least") {
  Conduct conduct;
  SUBCASE("of those with points, of the one with the fewest") {
    for (std::uint32_t i = 1; i <= kOffendersMax; ++i)
      conduct.offend(id_of(i), i == 7 ? Offence::undialable : Offence::protocol, kNow);
    conduct.offend(id_of(5'000), Offence::protocol, kNow);
    CHECK(conduct.score(id_of(7), kNow) == 0);
    CHECK(conduct.score(id_of(8), kNow) == 50);
    CHECK(conduct.score(id_of(5'000), kNow) == 50);
  }
  SUBCASE("of those that are banned, of the one that would end first") {
    for (std::uint32_t i = 1; i <= kStrangersMax; ++i) conduct.ban(id_of(i), i == 7 ? kNow - 1s : kNow);
    conduct.ban(id_of(5'000), kNow);
    CHECK(conduct.banned(kNow).size() == kStrangersMax);
    CHECK_FALSE(conduct.banned_until(id_of(7), kNow));
    CHECK(conduct.banned_until(id_of(5'000), kNow));
  }
}

TEST_CASE("conduct: a pardon wipes points and ban, not how often it was") {
  Conduct conduct;
  CHECK_FALSE(conduct.pardon(id_of(1), kNow));
  conduct.offend(id_of(1), Offence::malformed, kNow);
  CHECK(conduct.pardon(id_of(1), kNow));
  CHECK(conduct.score(id_of(1), kNow) == 0);
  conduct.ban(id_of(1), kNow);
  CHECK(conduct.pardon(id_of(1), kNow));
  CHECK_FALSE(conduct.banned_until(id_of(1), kNow));
  CHECK_FALSE(conduct.pardon(id_of(1), kNow));
  CHECK(conduct.ban(id_of(1), kNow) == kNow + 2 * kBanMin);
}
