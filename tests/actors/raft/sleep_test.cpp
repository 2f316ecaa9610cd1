// Groups that are not used sleep: hardly any heartbeats, and no lease; whatever uses them wakes them.
#include <array>

#include "tests/actors/raft/group.hpp"

namespace troupe::raft_test {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::uint8_t, 3> kMembers{1, 2, 3};
constexpr base::Duration kElection = Settings{}.election;

/// Three members, of which the first leads, that fell asleep a moment ago.
Group asleep(Settings settings = {}) {
  Group group(3, settings);
  group.elect(1);
  group.propose(1);
  group.deliver();
  group.pass_time(settings.sleep_after + 1s);
  for (const std::uint8_t n : kMembers) REQUIRE(group.at(n).status(group.now).asleep);
  return group;
}

/// What is said within `span`, by all.
std::size_t said(Group& group, base::Duration span) {
  std::size_t out = 0;
  const base::Instant end = group.now + span;
  while (group.now < end) {
    group.now = group.now + 10ms;
    for (const std::uint8_t n : kMembers)
      if (group.now >= group.at(n).wake_at()) group.tick(n);
    out += group.wire.size();
    group.deliver();
  }
  return out;
}

}  // namespace

TEST_CASE("sleep: a group that is not used says little, and its leader stays") {
  Group group = asleep();
  CHECK(said(group, 10 * kSleepingHeartbeat) <= 11 * 2);  // a heartbeat to two followers, seen before it is answered
  CHECK(group.leads(1));
  CHECK(group.at(2).known_leader() == member(1));
  CHECK(group.at(1).status(group.now).asleep);
}

TEST_CASE("sleep: it does not come while something is to be done") {
  Settings settings;
  Group group(3, settings);
  group.elect(1);
  SUBCASE("for a follower that answers, and lacks an entry") {
    group[3].disk_held = true;
    group.propose(1);
    group.deliver();
    group.pass_time(settings.sleep_after + 5s);
    CHECK_FALSE(group.at(1).status(group.now).asleep);
    group.release_disk(3);
    group.pass_time(1s);
    CHECK(group.at(1).status(group.now).asleep);
  }
  SUBCASE("for a device that is nearly full") {
    group.at(2).short_of_room(true);
    group.pass_time(settings.sleep_after + 5s);
    CHECK_FALSE(group.at(1).status(group.now).asleep);
  }
  SUBCASE("but a member that does not answer keeps no other one awake") {
    group.cut = {member(3)};
    group.cut_stands_still = true;
    group.pass_time(settings.sleep_after + 5s);
    CHECK(group.at(1).status(group.now).asleep);
  }
}

TEST_CASE("sleep: a command and a read wake all, wherever they are asked") {
  Group group = asleep();
  SUBCASE("a command") {
    group.propose(1, "y");
    group.deliver();
    CHECK(group[1].applied.back().view().front() == 'y');
  }
  SUBCASE("a read at a follower") {
    const auto id = group.at(2).read(group.now);
    REQUIRE(id.ok());
    group.step(2);
    group.deliver();
    REQUIRE(group[2].reads.size() == 1);
    CHECK(group[2].reads[0].id == id.value());
  }
  group.pass_time(100ms);
  for (const std::uint8_t n : kMembers) CHECK_FALSE(group.at(n).status(group.now).asleep);
  group.pass_time(Settings{}.sleep_after + 1s);
  CHECK(group.at(3).status(group.now).asleep);
}

TEST_CASE("sleep: a change of members is taken, and wakes all") {
  Group group = asleep();
  group.pass_time(5s);  // since the last answers
  REQUIRE(group.at(1).change({{.kind = ChangeKind::remove, .member = member(3)}}, group.now).ok());
  group.step(1);
  group.deliver();
  CHECK(group.at(1).log().configuration().seats.size() == 2);
  CHECK_FALSE(group.at(1).status(group.now).asleep);
}

TEST_CASE("sleep: what only disturbs a group wakes it for a moment, and what uses it for longer") {
  Group group = asleep();
  SUBCASE("disturbed") {
    CHECK(group.at(1).stir(group.now));
    group.step(1);
    group.pass_time(3 * kElection);
    CHECK_FALSE(group.at(1).status(group.now).asleep);
    group.pass_time(Settings{}.sleep_after / kDisturbedPart);
    CHECK(group.at(1).status(group.now).asleep);
  }
  SUBCASE("used") {
    group.propose(1, "y");
    group.deliver();
    group.pass_time(Settings{}.sleep_after - 1s);
    CHECK_FALSE(group.at(1).status(group.now).asleep);
  }
}

TEST_CASE("sleep: a follower that is stirred asks its leader, and has no other one for that") {
  Group group = asleep();
  const Term term = group.at(1).term();
  CHECK(group.at(2).stir(group.now));
  CHECK_FALSE(group.at(2).stir(group.now));
  group.step(2);
  group.pass_time(2s);
  CHECK(group.leads(1));
  CHECK(group.at(1).term() == term);
}

TEST_CASE("sleep: without its leader it finds another one") {
  Group group = asleep();
  group.cut = {member(1)};
  group.cut_stands_still = true;
  const base::Instant gone = group.now;
  SUBCASE("within elections once a follower is stirred, though the other one sleeps") {
    group.at(2).stir(group.now);
    group.step(2);
    while (!group.leads(2) && !group.leads(3) && group.now < gone + 1min) group.pass_time(10ms);
    CHECK(group.now <= gone + 6 * kElection);
  }
  SUBCASE("without that when two heartbeats in a row are missing") {
    while (!group.leads(2) && !group.leads(3) && group.now < gone + 1min) group.pass_time(10ms);
    CHECK(group.now > gone + kSleepingHeartbeat);
    CHECK(group.now <= gone + kSleepingQuiet + kSleepingQuiet / 10 + 6 * kElection);
  }
}

TEST_CASE("sleep: one heartbeat that is lost wakes no follower") {
  Group group = asleep();
  group.cut = {member(1)};
  group.pass_time(kSleepingHeartbeat);
  CHECK(group.at(2).status(group.now).asleep);
  group.cut.clear();
  group.pass_time(kSleepingQuiet);
  CHECK(group.leads(1));
  CHECK(group.at(1).status(group.now).asleep);
}

TEST_CASE("sleep: who comes back asks for votes, gets none, and follows") {
  Group group = asleep();
  const Term term = group.at(1).term();
  group.restart(3);
  group.pass_time(2s);
  CHECK(group.leads(1));
  CHECK(group.at(1).term() == term);
  CHECK(group.at(3).known_leader() == member(1));
}

TEST_CASE("sleep: a leader that was cut off while it slept steps down soon after it is asked") {
  Group group = asleep();
  group.cut = {member(1)};
  REQUIRE(group.at(1).read(group.now).ok());
  group.pass_time(3 * kElection);
  CHECK_FALSE(group.leads(1));
  CHECK(group[1].reads.empty());
  CHECK(group[1].reads_failed.size() == 1);
}

TEST_CASE("sleep: no lease lives through it") {
  Settings settings;
  settings.lease_reads = true;
  Group group = asleep(settings);
  CHECK_FALSE(group.at(1).status(group.now).lease);
  REQUIRE(group.at(1).read(group.now).ok());
  group.step(1);
  CHECK(group[1].reads.empty());  // a quorum is asked first
  group.deliver();
  CHECK(group[1].reads.size() == 1);
}

TEST_CASE("sleep: a leader alone wakes each ten seconds") {
  Group group(1);
  group.elect(1);
  group.pass_time(Settings{}.sleep_after + 1s);
  REQUIRE(group.at(1).status(group.now).asleep);
  CHECK(group.at(1).wake_at() > group.now + 5s);
  group.propose(1);
  CHECK(group[1].applied.size() == 2);  // the start of its term, too
}

}  // namespace troupe::raft_test
