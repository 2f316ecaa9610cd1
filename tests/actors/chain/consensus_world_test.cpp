#include "tests/actors/chain/consensus_world.hpp"

#include "tests/support.hpp"

using namespace troupe;
using chain_test::run_world;

TEST_CASE(
    "consensus world: whatever fails, and with liars among them, all decide the same valid blocks, and do decide") {
  std::set<std::string, std::less<>> reached;
  std::uint64_t crashes = 0, evidence = 0, syncs = 0, rounds = 0;
  for (std::uint64_t seed = 1; seed <= test::rounds(1'000, 60); ++seed) {
    CAPTURE(seed);
    const auto report = run_world({.seed = seed});
    INFO(report.state);
    CHECK(report.broken == "");
    reached.insert(report.reached.begin(), report.reached.end());
    crashes += report.crashes;
    evidence += report.evidence;
    syncs += report.syncs;
    rounds = std::max(rounds, report.rounds_max);
  }
  CHECK(crashes > 0);
  CHECK(evidence > 0);
  CHECK(syncs > 0);
  CHECK(rounds >= 5);
  for (const char* what : {"chain: rounds were skipped", "chain: a valid value was proposed again",
                           "chain: votes of a round ahead gave way to later ones"})
    CHECK_MESSAGE(reached.contains(what), what);
}

TEST_CASE("consensus world: with too many liars blocks may differ, but no correct validator lies or is accused") {
  constexpr std::uint64_t kFirst = 41;  // the few that the sanitizers have time for show a fork, too
  int forks = 0;
  for (std::uint64_t seed = kFirst; seed < kFirst + test::rounds(300, 30); ++seed) {
    CAPTURE(seed);
    const auto report = run_world({.seed = seed, .beyond = true, .calm = std::chrono::seconds{5}});
    INFO(report.state);
    const bool fork = report.broken == "all decide the same block" || report.broken == "no correct node diverges";
    forks += fork;
    CHECK((fork || report.broken == "" || report.broken == "all decide once the network is calm"));
  }
  CHECK(forks > 0);
}

TEST_CASE("consensus world: one seed is one history") {
  const auto once = run_world({.seed = 5}), again = run_world({.seed = 5});
  CHECK(once.events == again.events);
  CHECK(once.evidence == again.evidence);
  CHECK(once.heights == again.heights);
}

TEST_CASE("consensus world: each planted bug is found, by the first of these seeds") {
  // A change of the worlds shifts the seeds: search again from 1.
  const std::pair<const char*, std::uint64_t> found[] = {
      {"chain.quorum_at_two_thirds", 6}, {"chain.votes_counted_twice", 1}, {"chain.guard_unsynced", 5},
      {"chain.lock_without_block", 2},   {"chain.time_checked_again", 5},  {"chain.unlock_unproven", 11},
      {"chain.lock_forgotten", 322},     {"chain.lock_without_proof", 29}, {"chain.nil_unlocks", 4'125},
  };
  for (const auto& [bug, seed] : found) {
    CAPTURE(bug);
    CHECK(run_world({.seed = seed, .bug = bug}).broken != "");
    CHECK(run_world({.seed = seed}).broken == "");
  }
}
