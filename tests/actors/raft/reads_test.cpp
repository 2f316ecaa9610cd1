// Thesis 6.4 (reads by a round of heartbeats) and 6.4.1 (by lease).
#include "actors/raft/logic/reads.hpp"

#include <doctest/doctest.h>

#include "actors/raft/logic/lease.hpp"
#include "tests/actors/raft/group.hpp"

using namespace troupe;
using namespace troupe::raft;
using namespace std::chrono_literals;
using raft_test::Group;
using raft_test::member;

namespace {

ReadId ask(Group& group, std::uint8_t n) {
  const auto id = group.at(n).read(group.now);
  REQUIRE(id.ok());
  group.step(n);
  return id.value();
}
Settings with_leases() {
  Settings settings;
  settings.lease_reads = true;
  return settings;
}

}  // namespace

TEST_CASE("read: a leader answers once a quorum has said that it still leads") {
  Group group(3);
  group.elect(1);
  const Position last = group.propose(1);
  group.deliver();
  const ReadId id = ask(group, 1);
  CHECK(group[1].reads.empty());
  SUBCASE("a quorum is enough") {
    group.cut = {member(3)};
    group.deliver();
    REQUIRE(group[1].reads.size() == 1);
    CHECK(group[1].reads[0].id == id);
    CHECK(group[1].reads[0].index == last.index);
  }
  SUBCASE("a minority never is; it fails with the lead") {
    group.cut = {member(2), member(3)};
    group.pass_time(1s);
    CHECK(group[1].reads.empty());
    CHECK(group[1].reads_failed == std::vector<ReadId>{id});
  }
}

TEST_CASE("read: reads of one moment share a round, and many rounds are not begun at once") {
  Group group(3);
  group.elect(1);
  for (int n = 0; n < 100; ++n) REQUIRE(group.at(1).read(group.now).ok());
  group.step(1);
  CHECK(group.wire.size() == 2);
  for (std::size_t n = 0; n < kReadRoundsMax + 5; ++n) ask(group, 1);
  CHECK(group.wire.size() == 2 * kReadRoundsMax);
  group.deliver();
  CHECK(group[1].reads.size() == 100 + kReadRoundsMax + 5);
}

TEST_CASE("read: a new leader waits until an entry of its term is committed") {
  Group group(3);
  group.elect(1);
  group.propose(1), group.deliver();
  group.now = group.now + 1s;
  group.tick(2);
  while (!group.leads(2)) {
    REQUIRE(!group.wire.empty());
    const Message message = group.wire.front();
    group.wire.pop_front();
    (void)group.pass(message);
  }
  ask(group, 2);
  CHECK(group[2].reads.empty());
  group.deliver();
  REQUIRE(group[2].reads.size() == 1);
  CHECK(group[2].reads[0].index == group.at(2).commit());
}

TEST_CASE("read: a follower asks its leader") {
  Group group(3);
  CHECK(group.at(2).read(group.now).error() == Refused::no_leader);
  group.elect(1);
  const ReadId id = ask(group, 2);
  SUBCASE("and may read once it has applied as much") {
    group.deliver();
    REQUIRE(group[2].reads.size() == 1);
    CHECK(group[2].reads[0].id == id);
    CHECK(group[2].reads[0].index == group.at(1).commit());
    const Message again{member(1), member(2), Epoch{1}, group.at(2).term(), ReadReply{id, Index{1}}};
    CHECK(group.pass(again).error() == Rejected::unasked);
  }
  SUBCASE("which may be silent") {
    group.wire.clear();
    group.pass_time(kReadPatience * Settings{}.election + 20ms);
    CHECK(group[2].reads.empty());
    CHECK(group[2].reads_failed == std::vector<ReadId>{id});
  }
  SUBCASE("or another one by then") {
    group.wire.clear();
    group.cut = {member(1)};
    group.elect(3);
    CHECK(group[2].reads_failed == std::vector<ReadId>{id});
  }
}

TEST_CASE("read: as many wait as may, and one more is refused") {
  Settings settings;
  settings.reads_max = 3;
  Group group(3, settings);
  group.elect(1);
  group.cut = {member(2), member(3)};
  for (int n = 0; n < 3; ++n) ask(group, 1);
  CHECK(group.at(1).read(group.now).error() == Refused::too_many_reads);
  for (int n = 0; n < 3; ++n) ask(group, 2);
  CHECK(group.at(2).read(group.now).error() == Refused::too_many_reads);
}

TEST_CASE("read: no number of a read is one of an earlier run") {
  Group group(1);
  group.elect(1);
  const ReadId first = ask(group, 1);
  CHECK(first.value > 1'000'000);
}

TEST_CASE("lease: it answers without asking, and ends before another can be elected") {
  Group group(3, with_leases());
  group.elect(1);
  group.pass_time(100ms);
  ask(group, 1);
  CHECK(group[1].reads.size() == 1);
  CHECK(group.at(1).status(group.now).lease);
  group.cut = {member(1)};
  group.wire.clear();
  group.now = group.now + lease_of(Settings{}) - 1ns;
  // The last round was sent at most a heartbeat ago, so the lease may have ended already; it has at its full length.
  group.now = group.now + 1ns;
  CHECK_FALSE(group.at(1).status(group.now).lease);
  CHECK(lease_of(Settings{}) == 135ms);
}

TEST_CASE("lease: a voter gives no vote for one election time-out after its start") {
  Group group(3, with_leases());
  group.elect(1);
  group.restart(2);
  const Message request{member(3), member(2), Epoch{1}, Term{9}, VoteRequest{Campaign::normal, Index{9}, Term{2}}};
  SUBCASE("it does not know which leader it has heard before") {
    group.now = group.now + Settings{}.election - 1ns;
    REQUIRE(group.pass(request).ok());
    CHECK(group.take_wire(3).empty());
    CHECK(group.at(2).term() == Term{2});
    group.now = group.now + 1ns;
    REQUIRE(group.pass(request).ok());
    CHECK(group.take_wire(3).size() == 1);
  }
  SUBCASE("one that does is a danger to every lease") {
    const raft_test::Planted bug("raft.votes_at_once_after_start");
    group.plant(2, bug);
    REQUIRE(group.pass(request).ok());
    CHECK(group.take_wire(3).size() == 1);
  }
}

TEST_CASE("lease: it is given up for the whole term before the lead is handed over") {
  Group group(3, with_leases());
  group.elect(1);
  group.pass_time(100ms);
  REQUIRE(group.at(1).status(group.now).lease);
  REQUIRE(group.at(1).transfer(member(2), group.now).ok());
  CHECK_FALSE(group.at(1).status(group.now).lease);
  group.cut = {member(2)};
  group.pass_time(300ms);  // the transfer was given up; its message may still arrive
  CHECK(group.leads(1));
  CHECK_FALSE(group.at(1).status(group.now).lease);
  ask(group, 1);
  CHECK(group[1].reads.empty());
  group.deliver();
  CHECK(group[1].reads.size() == 1);
}

TEST_CASE("lease: a clock that runs at another speed turns it off, until a whole window is good") {
  const auto run = [](ClockWatch& watch, std::uint64_t thousandths, base::Instant& now, base::Duration& clock) {
    bool news = false;
    for (int second = 0; second <= 10; ++second) {
      news = watch.hear(member(2), clock, now, 50) || news;
      now = now + 1s;
      clock += base::Duration(1s) / 1'000 * thousandths;
    }
    return news;
  };
  ClockWatch watch;
  base::Instant now = test::kStart;
  base::Duration clock{7h};
  CHECK_FALSE(run(watch, 1'049, now, clock));
  CHECK(watch.steady());
  CHECK(run(watch, 1'060, now, clock));
  CHECK_FALSE(watch.steady());
  (void)run(watch, 1'000, now, clock);
  (void)run(watch, 1'000, now, clock);
  CHECK(watch.steady());
  SUBCASE("slow") {
    const bool first = run(watch, 940, now, clock), second = run(watch, 940, now, clock);
    CHECK((first || second));
  }
  SUBCASE("one that jumps back began anew") { CHECK(watch.hear(member(2), base::Duration{}, now, 50)); }
  SUBCASE("no number breaks the sum") {
    CHECK(watch.hear(member(2), base::Duration::min(), now, 50));
    (void)watch.hear(member(2), base::Duration::max(), now + 20s, 50);
    (void)watch.hear(member(2), base::Duration::min(), now + 40s, 50);
    CHECK_FALSE(watch.steady());
  }
}
