#include "actors/escrow/logic/guards.hpp"

#include "tests/actors/escrow/one_escrow.hpp"

using namespace troupe;
using namespace troupe::escrow;

TEST_CASE("escrow guards: a fresh account's limit grows by itself each whole day; above it the escrow is held") {
  const GuardRules rules{.fresh_limit = Amount::of(100)};
  const auto verdict = [&](std::uint64_t amount, UnixMs known) {
    return look(rules, {.amount = Amount::of(amount), .known = known}).verdict;
  };
  CHECK(verdict(100, UnixMs(0)) == Verdict::pass);
  CHECK(verdict(101, UnixMs(0)) == Verdict::hold);
  CHECK(verdict(101, 24 * kHour - UnixMs(1)) == Verdict::hold);
  CHECK(verdict(200, 24 * kHour) == Verdict::pass);
  CHECK(verdict(201, 24 * kHour) == Verdict::hold);
  CHECK(verdict(Amount::kMax, UnixMs(UINT64_MAX)) == Verdict::hold);
  CHECK(look({.fresh_limit = Amount::of(Amount::kMax)}, {.amount = Amount::of(Amount::kMax), .known = 240 * kHour})
            .verdict == Verdict::pass);
  CHECK(look(rules, {.amount = Amount::of(101)}).rule == "fresh_limit");
  CHECK(look({}, {.amount = Amount::of(Amount::kMax)}).verdict == Verdict::pass);  // no limit
}

TEST_CASE("escrow guards: one owner on both sides is noted or refused; owners that are not known are nothing") {
  base::NodeId one, other;
  other.bytes[0] = 1;
  Sighting sighting{.amount = Amount::of(1), .owners = {one, one}};
  CHECK(look({}, sighting).verdict == Verdict::pass);
  CHECK(look({}, sighting).rule == "same_owner");
  const GuardRules strict{.fresh_limit = {}, .same_owner = SameOwner::refuse};
  CHECK(look(strict, sighting).verdict == Verdict::refuse);
  sighting.owners = {one, other};
  CHECK(look(strict, sighting).verdict == Verdict::pass);
  sighting.owners = {};
  CHECK(look(strict, sighting).verdict == Verdict::pass);
}
