// Machines on groups of real actors, links and stores, in virtual time.
#include <doctest/doctest.h>

#include <algorithm>

#include "actors/raft/logic/delays.hpp"
#include "actors/raft/logic/hashes.hpp"
#include "tests/actors/raft/adder.hpp"

using namespace troupe;
using namespace troupe::raft;
using raft_test::AdderCluster;

TEST_CASE("raft seam: a machine of another domain stands on a group, and its snapshot brings a new member up") {
  AdderCluster cluster(3);
  REQUIRE(cluster.make(2));
  std::uint64_t sum = 0;
  for (std::uint64_t i = 1; i <= 40; ++i) CHECK(cluster.sum(i % 2, i) == (sum += i));
  CHECK(cluster.homes[1].machine->sum() == sum);
  REQUIRE(cluster.add(2));
  CHECK(cluster.homes[2].machine->sum() == sum);
  CHECK(cluster.homes[2].settings->counters->snapshots_installed == 1);
  CHECK(cluster.sum(2, 5) == sum + 5);
}

TEST_CASE("raft room: nearly full devices refuse what needs room, take what frees some, and recover by themselves") {
  AdderCluster cluster(3);
  REQUIRE(cluster.make(3));
  REQUIRE(cluster.sum(0, 5) == 5);
  const auto leader = static_cast<std::size_t>(
      std::ranges::find_if(cluster.homes, [](const auto& home) { return home.settings->counters->leading == 1; }) -
      cluster.homes.begin());
  REQUIRE(leader < 3);
  const std::size_t one = (leader + 1) % 3, other = (leader + 2) % 3;
  std::vector<std::size_t> full;
  bool refuses = true;
  SUBCASE("the leader's alone") { full = {leader}; }
  SUBCASE("those of a majority of voters, the leader not among them") { full = {one, other}; }
  SUBCASE("that of one follower is no reason") {
    full = {one};
    refuses = false;
  }
  std::vector<std::uint64_t> limits;
  for (const std::size_t node : full) {
    limits.push_back(cluster.net[node].disk.used_bytes() + store::kReserveBytes - (std::uint64_t{8} << 20));
    cluster.net[node].disk.limit(limits.back());
  }
  REQUIRE(cluster.sum(one, 0) == 5);  // it is written: who writes looks at what is free
  cluster.net.stage.run_for(std::chrono::seconds(2));
  for (const std::size_t node : {leader, one}) {
    const auto sum = cluster.sum(node, 1);
    CHECK(sum.has_value() != refuses);
    CHECK(cluster.refused.value_or(base::Code::no_space) == base::Code::no_space);
    CHECK(cluster.sum(node, 0).has_value());
  }
  for (std::size_t i = 0; i < full.size(); ++i) cluster.net[full[i]].disk.lift(limits[i]);
  cluster.net.stage.run_for(std::chrono::seconds(2));
  CHECK(cluster.sum(other, 3) == (refuses ? 8 : 10));
}

TEST_CASE("raft hashes: a member whose state is another one stops, and comes back with that of the others") {
  for (const std::size_t flawed : {0, 1, 2}) {
    AdderCluster cluster(3);
    cluster.homes[flawed].flaw = 1;
    REQUIRE(cluster.make(3));
    CHECK(cluster.sum(0, 60) == 60);
    const std::size_t before = cluster.homes[flawed].machines;
    CHECK(cluster.sum(1, 60) == 120);
    cluster.net.stage.run_for(std::chrono::seconds(20));
    CHECK(cluster.homes[flawed].settings->counters->differed == 1);
    CHECK(cluster.homes[flawed].machines > before);
    CHECK(cluster.homes[flawed].machine->sum() == 120);
    CHECK(cluster.sum(flawed, 1) == 121);
    cluster.net.stage.run_for(std::chrono::seconds(5));
    for (const auto& home : cluster.homes)
      CHECK(home.settings->counters->differed == (&home == &cluster.homes[flawed]));
  }
}

TEST_CASE("raft hashes: where no state has a majority, all members stop") {
  AdderCluster cluster(3);
  for (std::size_t i = 0; i < 3; ++i) cluster.homes[i].flaw = i + 1;
  REQUIRE(cluster.make(3));
  CHECK(cluster.sum(0, 60) == 60);
  (void)cluster.sum(1, 60);
  cluster.net.stage.run_for(std::chrono::seconds(5));
  for (const auto& home : cluster.homes) CHECK(home.settings->counters->differed == 1);
  for (std::size_t i = 0; i < 3; ++i) CHECK_FALSE(cluster.sum(i, 1));
}

TEST_CASE("raft hashes: the latest ones are known, and a gap forgets those before it") {
  RecentHashes hashes;
  CHECK_FALSE(hashes.after(Index{}));
  for (std::uint64_t i = 5; i < 5 + 2 * kHashesKept; ++i) hashes.add(Index{i}, i * 7);
  const std::uint64_t last = 4 + 2 * kHashesKept;
  CHECK(hashes.after(Index{last}) == last * 7);
  CHECK(hashes.after(Index{last + 1 - kHashesKept}) == (last + 1 - kHashesKept) * 7);
  CHECK_FALSE(hashes.after(Index{last - kHashesKept}));
  CHECK_FALSE(hashes.after(Index{last + 1}));
  hashes.add(Index{last + 10}, 1);
  CHECK_FALSE(hashes.after(Index{last}));
  CHECK(hashes.after(Index{last + 10}) == 1);
}

TEST_CASE("raft delays: what decides a commit is the slowest of the fastest quorum") {
  using What = CommitDelay::What;
  using std::chrono::milliseconds;
  const auto member = [](std::uint8_t number) {
    MemberId out;
    out.node.bytes[0] = number;
    return out;
  };
  const VoterDelay own{member(1), {}, milliseconds(1)};
  const VoterDelay far{member(2), milliseconds(40), milliseconds(2)};
  const VoterDelay slow{member(3), milliseconds(1), milliseconds(9)};
  auto delays = decisive_first({own, far, slow});
  REQUIRE(delays.size() == 5);
  CHECK(delays[0].what == What::disk);
  CHECK(delays[0].member == member(3));
  CHECK(delays[0].takes == milliseconds(9));
  CHECK(delays[1].what == What::link);
  CHECK(delays[2].what == What::link);
  CHECK(delays[2].member == member(2));
  VoterDelay gone = slow;
  gone.silent = milliseconds(700);
  delays = decisive_first({own, far, gone});
  CHECK(delays[0].what == What::link);
  CHECK(delays[0].member == member(2));
  CHECK(delays[2].what == What::silent);
  CHECK(decisive_first({}).empty());
}
