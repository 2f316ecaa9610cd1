#include "actors/raft/logic/kv/group_time.hpp"

#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::raft;
using namespace std::chrono_literals;

TEST_CASE("kv time: a new leader continues from what it heard, and counts the time between leaders") {
  const base::Instant now = test::kStart;
  kv::GroupTime time;
  time.begin(0, now);
  time.applied(5'000, now + 1s);
  CHECK(time.at(now + 3s) == 7'000);
  CHECK(time.to_propose(now + 3s) == 5'000);
  time.leads(true);
  CHECK(time.to_propose(now + 4s) == 5'000);  // entries of leaders before it may be missing
  CHECK_FALSE(time.counts());

  SUBCASE("it has all that was written before") {
    time.term_begun();
    CHECK(time.to_propose(now + 4s) == 8'000);
    CHECK(time.when(9'000) == now + 5s);
    time.applied(8'000, now + 4'200ms);  // what it proposed at 4 s comes back
    CHECK(time.at(now + 5s) == 9'000);
  }
  SUBCASE("a leader whose time was older wrote an entry that it applies only now") {
    time.applied(5'100, now + 4s);
    time.term_begun();
    CHECK(time.to_propose(now + 5s) == 6'100);
  }
  SUBCASE("a follower takes the leader's time, also if it is older than its count") {
    time.leads(false);
    time.applied(5'000, now + 60s);
    CHECK(time.at(now + 61s) == 6'000);
  }
}

TEST_CASE("kv time: the largest times do not overflow") {
  kv::GroupTime time;
  time.begin(std::numeric_limits<std::int64_t>::max(), test::kStart);
  CHECK(time.at(test::kStart + std::chrono::hours(24 * 365)) > 0);
  time.begin(0, test::kStart);
  CHECK(time.when(std::numeric_limits<std::int64_t>::max()) > test::kStart);
}
