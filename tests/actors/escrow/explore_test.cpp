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

/// Without faults, and without acts that only add ways to the same end.
Exploring calm_world() {
  Exploring out;
  out.duplicates = out.crashes = out.failures = out.outages = out.strangers = 0;
  out.proposals = out.progresses = out.extensions = 0;
  return out;
}

Exploring two_milestones() {
  Exploring out = calm_world();
  out.price = Amount::of(47);  // 2 for the fund; of 19 and 28 by themselves 0 and 1
  out.milestones = {Amount::of(19), Amount::of(28)};
  return out;
}

void holds(const char* what, const Exploring& limits) {
  CAPTURE(what);
  const Explored explored = explore(limits);
  CHECK_MESSAGE(explored.held, explored.invariant);
  CHECK(explored.complete);
  for (const std::string& step : explored.path) MESSAGE(step);
}

}  // namespace

TEST_CASE("escrow explore: every order of acts and deadlines keeps what must hold") {
  holds("neither faults nor proposals", calm_world());
  Exploring limits = calm_world();
  limits.proposals = 2;
  holds("two proposals", limits);
  limits = calm_world();
  limits.extensions = 1;
  limits.deliveries = 2;
  holds("an extension, two deliveries", limits);
  limits = calm_world();
  limits.progresses = 1;
  limits.bond = Amount();
  limits.arbiters = 0;
  holds("no bonds, no arbiters, progress", limits);
  limits = calm_world();
  limits.arbiters = 4;
  holds("four arbiters", limits);
  holds("two milestones", two_milestones());
}

TEST_CASE(
    "escrow explore: so does every order with a duplicate, a crash, a refusal, an outage and a stranger's money") {
  Exploring limits = calm_world();
  limits.outages = limits.strangers = 1;
  holds("an outage, a stranger's money", limits);
  limits = calm_world();
  limits.duplicates = limits.failures = 1;
  holds("a duplicate, a refusal", limits);
  limits = calm_world();
  limits.crashes = limits.failures = 1;
  holds("a crash, a refusal", limits);
  if (test::kRoundsShare > 1) return;  // minutes under sanitizers
  limits.duplicates = 1;
  holds("a duplicate, a crash, a refusal", limits);
  limits = two_milestones();
  limits.duplicates = limits.failures = 1;
  holds("two milestones, a duplicate, a refusal", limits);
  limits = calm_world();
  limits.proposals = limits.progresses = limits.failures = 1;
  holds("a proposal, progress, a refusal", limits);
}

TEST_CASE("escrow explore: each planted bug is found") {
  Exploring milestones = two_milestones();
  milestones.duplicates = 1;
  Exploring proposals = calm_world();
  proposals.proposals = 2;
  Exploring outage = calm_world();
  outage.outages = 1;
  Exploring duplicate = calm_world();
  duplicate.duplicates = 1;
  Exploring stranger = calm_world();
  stranger.strangers = stranger.failures = 1;
  const std::pair<const char*, Exploring> bugs[] = {
      {"escrow.rounds_parts", two_milestones()},  {"escrow.keeps_bond", calm_world()},
      {"escrow.takes_acts_again", milestones},    {"escrow.disputes_after_release", calm_world()},
      {"escrow.agrees_to_anything", proposals},   {"escrow.hears_old_arbiters", calm_world()},
      {"escrow.early_after_outage", outage},      {"escrow.decides_unconfirmed", calm_world()},
      {"escrow.counts_twice", duplicate},         {"escrow.keeps_late_money", stranger},
      {"escrow.takes_refused_as_paid", stranger},
  };
  for (const auto& [bug, limits] : bugs) {
    const Explored explored = explore(limits, PlantedEscrowBug(bug));
    CHECK_MESSAGE(!explored.held, bug);
    CHECK(!explored.path.empty());
  }
}
