#include "actors/escrow/logic/explore.hpp"

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::escrow;

namespace {

struct PlantedEscrowBug final : base::Mutations {
  explicit PlantedEscrowBug(std::string_view bug) : planted(bug) {}
  bool on(std::string_view bug) const override { return bug == planted; }
  std::string_view planted;
};

Exploring named(std::string_view name) {
  for (const Exploration& one : explorations())
    if (one.name == name) return one.limits;
  FAIL("no exploration of that name");
  return {};
}

}  // namespace

TEST_CASE(
    "escrow explore: every order of acts, deadlines, duplicates, crashes, refusals and outages keeps what must hold") {
  for (const Exploration& one : explorations()) {
    if (!one.quick && test::kRoundsShare > 1) continue;  // minutes under sanitizers
    CAPTURE(std::string(one.name));
    const Explored explored = explore(one.limits);
    CHECK_MESSAGE(explored.held, explored.invariant);
    CHECK(explored.complete);
    for (const std::string& step : explored.path) MESSAGE(step);
    if (one.quick) CHECK(explored.states < 60'000);
  }
}

TEST_CASE("escrow explore: where states are left out, the exploration says so") {
  Exploring few = named("calm");
  few.states_max = 100;
  CHECK_FALSE(explore(few).complete);
}

TEST_CASE("escrow explore: each planted bug is found") {
  const Exploring calm = named("calm"), outage = named("outage"), duplicate = named("duplicate");
  const std::pair<const char*, Exploring> bugs[] = {
      {"escrow.rounds_parts", named("milestones")},
      {"escrow.keeps_bond", calm},
      {"escrow.takes_acts_again", named("milestones and duplicate")},
      {"escrow.disputes_after_release", calm},
      {"escrow.agrees_to_anything", named("proposals")},
      {"escrow.hears_old_arbiters", calm},
      {"escrow.draws_latecomers", calm},
      {"escrow.early_after_outage", outage},
      {"escrow.decides_unconfirmed", calm},
      {"escrow.timer_twice", calm},
      {"escrow.counts_twice", duplicate},
      {"escrow.keeps_late_money", outage},
      {"escrow.takes_refused_as_paid", duplicate},
  };
  for (const auto& [bug, limits] : bugs) {
    const Explored explored = explore(limits, PlantedEscrowBug(bug));
    CHECK_MESSAGE(!explored.held, bug);
    CHECK(!explored.path.empty());
  }
}
