#include "tests/actors/raft/world.hpp"

#include "tests/support.hpp"

using namespace troupe;
using raft_test::run_world;

TEST_CASE("world: whatever fails, one leader a term, logs that match, nothing committed lost, no stale read") {
  std::set<std::string, std::less<>> reached;
  std::uint64_t installed = 0, reads = 0;
  for (std::uint64_t seed = 1; seed <= test::rounds(150, 10); ++seed) {
    CAPTURE(seed);
    const auto report = run_world({.seed = seed});
    INFO(report.state);
    CHECK(report.broken == "");
    reached.insert(report.reached.begin(), report.reached.end());
    installed += report.installed;
    reads += report.reads;
  }
  CHECK(installed > 0);
  CHECK(reads > 0);
  for (const char* what :
       {"raft: a snapshot was installed", "raft: the lead was handed over",
        "raft: a learner that had caught up was promoted", "raft: a group that was not used fell asleep",
        "raft: a request for votes was ignored, because a leader is heard",
        "raft: a majority had an entry of an older term, which was not committed by that"})
    CHECK_MESSAGE(reached.contains(what), what);
}

TEST_CASE("world: the leader changes while two configurations count, and all holds") {
  // A change of the worlds shifts the seeds: search again from 1.
  for (const std::uint64_t seed : {197, 428}) {
    const auto report = run_world({.seed = seed});
    INFO(report.state);
    CHECK(report.broken == "");
    CHECK(report.reached.contains("raft: the leader changed during a joint change"));
  }
}

TEST_CASE("world: one seed is one history") {
  const auto once = run_world({.seed = 5}), again = run_world({.seed = 5});
  CHECK(once.events == again.events);
  CHECK(once.applied == again.applied);
  CHECK(once.reads == again.reads);
}

TEST_CASE("world: each planted bug is found, by the first of these seeds") {
  // A change of the worlds shifts the seeds: search again from 1.
  const std::pair<const char*, std::uint64_t> found[] = {{"raft.reads_without_asking", 1},
                                                         {"raft.votes_for_shorter_log", 4},
                                                         {"raft.truncates_without_conflict", 1},
                                                         {"raft.acknowledges_before_sync", 1},
                                                         {"raft.reads_before_its_term", 4},
                                                         {"raft.votes_twice", 58},
                                                         {"raft.no_pre_vote", 6},
                                                         {"raft.counts_itself_at_once", 13},
                                                         {"raft.changes_before_its_term", 73},
                                                         {"raft.votes_at_once_after_start", 641},
                                                         {"raft.lease_kept_while_handing_over", 419},
                                                         {"raft.disturbed", 17},
                                                         {"raft.vote_not_saved", 885},
                                                         {"raft.skips_joint_step", 653},
                                                         {"raft.commits_older_term", 922}};
  for (const auto& [bug, seed] : found) {
    CAPTURE(bug);
    CHECK(run_world({.seed = seed, .bug = bug}).broken != "");
    CHECK(run_world({.seed = seed}).broken == "");
  }
}
