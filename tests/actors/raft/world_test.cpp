#include "tests/actors/raft/world.hpp"

#include "tests/support.hpp"

using namespace troupe;
using raft_test::run_world;

namespace {

/// The first of `seeds` seeds that finds the planted bug; 0 if none does.
std::uint64_t found_by(const std::string& bug, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    if (!run_world({.seed = seed, .bug = bug}).broken.empty()) return seed;
  return 0;
}

}  // namespace

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
  for (const char* what : {"raft: a snapshot was installed", "raft: the lead was handed over",
                           "raft: a learner that had caught up was promoted",
                           "raft: a request for votes was ignored, because a leader is heard",
                           "raft: a majority had an entry of an older term, which was not committed by that"})
    CHECK_MESSAGE(reached.contains(what), what);
}

TEST_CASE("world: one seed is one history") {
  const auto once = run_world({.seed = 5}), again = run_world({.seed = 5});
  CHECK(once.events == again.events);
  CHECK(once.applied == again.applied);
  CHECK(once.reads == again.reads);
}

TEST_CASE("world: planted bugs are found") {
  for (const char* bug : {"raft.votes_for_shorter_log", "raft.truncates_without_conflict",
                          "raft.acknowledges_before_sync", "raft.reads_without_asking", "raft.reads_before_its_term"})
    CHECK_MESSAGE(found_by(bug, 40) > 0, bug);
}
