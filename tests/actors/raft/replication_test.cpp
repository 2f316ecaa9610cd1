// Thesis 3.5 (log matching), 3.6.2 with figure 3.7 (figure 8 of the paper), 10.2 (pipeline, own disk), 5 (snapshots).
#include <doctest/doctest.h>

#include <array>

#include "tests/actors/raft/group.hpp"

using namespace troupe;
using namespace troupe::raft;
using namespace std::chrono_literals;
using raft_test::Group;
using raft_test::member;

TEST_CASE("replication: an entry is committed once a majority has it on disk, the leader's own disk being one") {
  Group group(3);
  group.elect(1);
  group.cut = {member(3)};
  group[1].disk_held = true;
  const Position at = group.propose(1, "a");
  group.deliver();
  CHECK(group.at(2).log().has(at.index, at.term));
  CHECK(group.at(1).commit() < at.index);  // one disk of three
  SUBCASE("its own") {
    group.release_disk(1);
    CHECK(group.at(1).commit() == at.index);
    CHECK(group[1].applied.back().index == at.index);
  }
  SUBCASE("another") {
    group.cut = {};
    group.pass_time(100ms);
    CHECK(group.at(1).commit() == at.index);
    CHECK(group[1].applied.back().index < at.index);  // not durable here, so not applied here
    CHECK(group[2].applied.back().index == at.index);
  }
}

TEST_CASE("replication: a follower acknowledges what its disk has") {
  Group group(3);
  group.elect(1);
  group.cut = {member(3)};
  group[2].disk_held = true;
  const Position at = group.propose(1, "a");
  group.deliver();
  CHECK(group.at(1).commit() < at.index);
  group.release_disk(2);
  group.deliver();
  CHECK(group.at(1).commit() == at.index);
}

TEST_CASE("replication: logs that have parted are made one by the leader (figure 3.6)") {
  Group group(3);
  group.elect(1);
  group.cut = {member(1)};
  for (int n = 0; n < 5; ++n) group.propose(1, "lost");
  group.elect(2);
  REQUIRE(group.leads(2));
  for (int n = 0; n < 3; ++n) group.propose(2, "kept");
  group.deliver();
  group.cut = {};
  group.pass_time(200ms);
  for (const std::uint8_t n : std::initializer_list<std::uint8_t>{1, 3}) {
    CHECK(group.at(n).log().last() == group.at(2).log().last());
    CHECK(group.at(n).log().last_term() == group.at(2).log().last_term());
    CHECK(group[n].applied.size() == group[2].applied.size());
  }
  CHECK(group[1].applied == group[2].applied);
}

TEST_CASE("replication: the leader goes back a term at a time") {
  Group group(3);
  group.elect(1);
  group.cut = {member(1)};
  for (int n = 0; n < 500; ++n) (void)group.at(1).propose(raft_test::text("lost"), group.now);
  group.step(1);
  group.elect(2);
  group.propose(2);
  group.deliver();
  group.cut = {};
  group.now = group.now + 50ms;
  group.tick(2);
  int refused = 0;
  for (int n = 0; n < 1'000 && !group.wire.empty(); ++n) {
    const Message message = group.wire.front();
    group.wire.pop_front();
    const auto* reply = std::get_if<AppendReply>(&message.body);
    if (message.from == member(1) && reply && !reply->accepted) ++refused;
    (void)group.pass(message);
  }
  CHECK(refused <= 2);
  CHECK(group.at(1).log().last() == group.at(2).log().last());
}

namespace {

/// Of five members 1 leads term 2 and gives an entry to 2 alone; 5 leads term 3 and keeps its entry to itself; 1 leads
/// term 4, and 3 gets the entry of term 2. A majority has that entry now, and 5 can still be elected.
void figure_8(Group& group, const base::Mutations& bugs) {
  group.elect(1);
  group.plant(1, bugs);
  group.cut = {member(3), member(4), member(5)};
  REQUIRE(group.propose(1, "of term 2") == Position{Index{3}, Term{2}});
  group.deliver();
  group.cut = {member(1), member(2)};
  group.now = group.now + 1s;
  group.tick(5);
  while (!group.leads(5)) {  // what it then sends to others is lost
    REQUIRE(!group.wire.empty());
    const Message message = group.wire.front();
    group.wire.pop_front();
    (void)group.pass(message);
  }
  group.wire.clear();
  REQUIRE(group.at(5).log().has(Index{3}, Term{3}));

  group.cut = {member(4), member(5)};
  for (int tries = 0; tries < 10 && !(group.leads(1) && group.at(1).term() > Term{2}); ++tries) {
    group.now = group.now + 1s;
    group.tick(1);
    for (int n = 0; n < 1'000 && !group.wire.empty(); ++n) {
      Message message = group.wire.front();
      group.wire.pop_front();
      auto* append = std::get_if<Append>(&message.body);
      const bool own_term = append && !append->entries.empty() && append->entries.back().term > Term{2};
      if (own_term) append->entries.clear();  // the entry of term 4 reaches no other
      (void)group.pass(message);
    }
  }
  REQUIRE(group.leads(1));
  REQUIRE(group.at(1).term() == Term{4});
  REQUIRE(group.at(2).log().has(Index{3}, Term{2}));
  REQUIRE(group.at(3).log().has(Index{3}, Term{2}));
}

/// It steps down from what it led, learns the present term, and campaigns.
void lead_again(Group& group, std::uint8_t n) {
  const Term old = group.at(n).term();
  for (int tries = 0; tries < 5 && !(group.leads(n) && group.at(n).term() > old); ++tries) group.elect(n);
}

Settings an_entry_a_message() {
  Settings settings;
  settings.append_bytes_max = 1;
  return settings;
}

}  // namespace

TEST_CASE("replication: an entry of an older term is not committed by its copies (figure 8)") {
  Group group(5, an_entry_a_message());
  const raft_test::Planted seen;
  figure_8(group, seen);
  CHECK(group.at(1).commit() == Index{2});
  CHECK(seen.reached.contains("raft: a majority had an entry of an older term, which was not committed by that"));
  SUBCASE("so that another may still replace it") {
    group.cut = {member(1)};
    lead_again(group, 5);
    REQUIRE(group.leads(5));
    group.pass_time(200ms);
    CHECK(group.at(2).log().has(Index{3}, Term{3}));
    CHECK(group.at(2).commit() > Index{3});
  }
  SUBCASE("until an entry of the leader's own term is") {
    group.cut = {member(5)};
    group.pass_time(200ms);
    CHECK(group.at(1).commit() == group.at(1).log().last());
    group.cut = {member(1)};
    lead_again(group, 5);
    CHECK_FALSE(group.leads(5));
  }
}

TEST_CASE("replication: a leader that counts copies alone commits what is then replaced (figure 8)") {
  Group group(5, an_entry_a_message());
  const raft_test::Planted bug("raft.commits_older_term");
  figure_8(group, bug);
  CHECK(group.at(1).commit() == Index{3});
  group.cut = {member(1)};
  lead_again(group, 5);
  CHECK(group.leads(5));
}

TEST_CASE("replication: what is on the way to a follower has a bound in messages and in bytes") {
  Settings settings;
  settings.append_bytes_max = 100;
  settings.in_flight_messages_max = 3;
  SUBCASE("messages") {}
  SUBCASE("bytes") {
    settings.in_flight_messages_max = 1'000;
    settings.in_flight_bytes_max = 250;
  }
  Group group(3, settings);
  group.elect(1);
  group.pass_time(100ms);
  group.cut = {member(2), member(3)};
  for (int n = 0; n < 20; ++n) (void)group.at(1).propose(raft_test::text(std::string(60, 'x')), group.now);
  group.step(1);
  CHECK(group.take_wire(2).size() == 3);
  const Status status = group.at(1).status(group.now);
  CHECK(status.progress.at(member(2)).in_flight.messages() == 3);
  CHECK(status.progress.at(member(2)).next < group.at(1).log().last());
  group.wire.clear();
  group.cut = {};
  group.pass_time(300ms);  // what was lost is found missing
  CHECK(group.at(2).commit() == group.at(1).log().last());
}

TEST_CASE("replication: without a quorum what waits has a bound; one entry of any size is taken") {
  Settings settings;
  settings.uncommitted_bytes_max = 1'000;
  settings.entry_bytes_max = 5'000;
  Group group(3, settings);
  group.elect(1);
  group.cut = {member(2), member(3)};
  CHECK(group.at(1).propose(raft_test::text(std::string(5'001, 'x')), group.now).error() == Refused::too_large);
  CHECK(group.at(1).propose(raft_test::text(std::string(5'000, 'x')), group.now).ok());
  CHECK(group.at(1).propose(raft_test::text("x"), group.now).error() == Refused::uncommitted_full);
  group.cut = {};
  group.pass_time(100ms);
  CHECK(group.at(1).propose(raft_test::text("x"), group.now).ok());
}

TEST_CASE("replication: entries that are on the disk alone are read for a follower that lacks them") {
  Settings settings;
  settings.memory_bytes_max = 0;
  Group group(3, settings);
  group.elect(1);
  group.cut = {member(3)};
  for (int n = 0; n < 10; ++n) group.propose(1, "old"), group.deliver();
  group.cut = {};
  group.pass_time(60ms);
  REQUIRE(group[1].loads.size() == 1);
  const Load load = group[1].loads.front();
  CHECK(load.member == member(3));
  CHECK(load.from == group.at(3).log().last().next());
  std::vector<Entry> entries;
  for (Index at = load.from; at <= load.to; at = at.next()) entries.push_back(group[1].log.at(at));
  SUBCASE("and what the disk gives wrongly is not sent") {
    entries[1].term = Term{9};
    group.at(1).loaded(load.member, load.from, {entries[2]}, {});
    group.step(1);
    CHECK(group.wire.empty());
    REQUIRE(group[1].loads.size() == 2);  // asked again
  }
  group.at(1).loaded(load.member, load.from, entries, {});
  group.step(1);
  group.deliver();
  group.pass_time(100ms);
  CHECK(group.at(3).log().last() >= entries[0].index);
}

TEST_CASE("snapshot: a follower that lacks what the log has dropped fetches one") {
  Group group(3);
  group.elect(1);
  group.cut = {member(3)};
  for (int n = 0; n < 10; ++n) group.propose(1), group.deliver();
  const Index at = group.at(1).commit();
  const Snapshot snapshot{.index = at, .term = Term{2}, .configuration = group.at(1).log().configuration()};
  group.at(1).compacted(snapshot);
  CHECK(group.at(1).log().first() == at.next());
  group.cut = {};
  group.pass_time(100ms);
  REQUIRE(group[3].fetch.has_value());
  CHECK(group[3].fetch->snapshot == snapshot);
  CHECK(group.at(1).status(group.now).progress.at(member(3)).standing == Standing::snapshot);
  group.propose(1, "meanwhile");

  REQUIRE(group.at(3).begin_install(snapshot).ok());
  CHECK(group.at(3).begin_install(snapshot).error() == Rejected::unasked);
  REQUIRE(group.at(3).install_ended(snapshot, group.now).ok());
  group.step(3);
  group.deliver();
  group.pass_time(100ms);
  CHECK(group.at(3).commit() == group.at(1).commit());
  CHECK(group[3].applied.back().index == group.at(1).commit());
  CHECK(group[3].snapshot == snapshot);
  CHECK(group.at(3).begin_install(snapshot).error() == Rejected::unasked);
  SUBCASE("and is what it was after a restart") {
    group.restart(3);
    CHECK(group.at(3).log().last() == group.at(1).log().last());
  }
}

TEST_CASE("snapshot: one that contradicts what is committed is refused") {
  Group group(3);
  group.elect(1);
  group.propose(1), group.deliver();
  Snapshot forged{.index = Index{3}, .term = Term{1}, .configuration = group.at(1).log().configuration()};
  const Message message{member(1), member(2), Epoch{1}, Term{2}, InstallSnapshot{.snapshot = forged}};
  CHECK(group.pass(message).error() == Rejected::conflicts_with_committed);
  CHECK_FALSE(group[2].fetch.has_value());
  forged.index = Index{100};
  CHECK(group.at(1).begin_install(forged).error() == Rejected::conflicts_with_committed);
}

TEST_CASE("recovering: a follower that is behind what it acknowledged is brought up, and counts again then") {
  Group group(3);
  group.elect(1);
  group.propose(1), group.deliver();
  group.pass_time(100ms);
  group[3].log.erase(Index{3});  // a disk put back from an older copy
  group.restart(3);
  group[3].disk_held = true;  // what it is sent again is not durable yet
  group.now = group.now + 10ms;
  group.pass_time(100ms);
  CHECK(group.noted(1, Event::What::recovering));
  const auto progress = [&] { return group.at(1).status(group.now).progress.at(member(3)); };
  CHECK(progress().recovering());
  CHECK(group.at(1).transfer(member(3), group.now).error() == Refused::recovering);
  group.cut = {member(2)};
  const Index before = group.at(1).commit();
  group.propose(1);
  group.pass_time(100ms);
  CHECK(group.at(1).commit() == before);

  SUBCASE("what it said before the loss, and comes late, counts for nothing") {
    const Message late{member(3), member(1), Epoch{1}, group.at(1).term(),
                       AppendReply{.accepted = true, .match = Index{3}, .sequence = progress().lost_at}};
    REQUIRE(group.pass(late).ok());
    CHECK(progress().recovering());
  }
  group.release_disk(3);
  group.pass_time(200ms);
  CHECK_FALSE(progress().recovering());
  CHECK(progress().match == group.at(1).log().last());
  CHECK(group.at(1).commit() > before);
  CHECK(group.at(3).commit() > before);
}

TEST_CASE("recovering: an older copy without the entries of the snapshot fetches the snapshot") {
  Group group(3);
  group.elect(1);
  for (int i = 0; i < 4; ++i) group.propose(1);
  group.deliver();
  group.pass_time(100ms);
  const Index at = group.at(1).commit();
  const Snapshot cut{
      .index = at, .term = *group.at(1).log().term_at(at), .configuration = group.at(1).log().configuration()};
  group.at(1).compacted(cut);
  group[3].log.clear();
  group.restart(3);
  group.now = group.now + 10ms;
  group.pass_time(100ms);
  CHECK(group.at(1).status(group.now).progress.at(member(3)).recovering());
  REQUIRE(group[3].fetch.has_value());
  CHECK(group[3].fetch->snapshot.index == at);
}

TEST_CASE("recovering: a late refusal is not taken for a loss") {
  Group group(3);
  group.elect(1);
  group.propose(1), group.deliver();
  group.pass_time(100ms);
  const Message late{member(2), member(1), Epoch{1}, Term{2}, AppendReply{.match = Index{3}, .sequence = 1}};
  REQUIRE(group.pass(late).ok());
  CHECK(group.at(1).status(group.now).progress.at(member(2)).standing == Standing::replicate);
}

TEST_CASE(
    "replication: what is committed is told once, without an answer, and again by the heartbeat if that was lost") {
  Group group(3);
  group.elect(1);
  group.propose(1);
  group.deliver();
  const Index before = group.at(2).commit();
  group[3].disk_held = true;  // two make the majority
  group.propose(1);
  const auto is_told = [](const Message& message) { return std::holds_alternative<Commit>(message.body); };
  while (std::ranges::none_of(group.wire, is_told)) {
    REQUIRE_FALSE(group.wire.empty());
    const Message message = group.wire.front();
    group.wire.pop_front();
    (void)group.at(message.to == member(1) ? 1 : message.to == member(2) ? 2 : 3).receive(message, group.now);
    for (const std::uint8_t n : std::array<std::uint8_t, 3>{1, 2, 3}) group.step(n);
  }
  CHECK(std::ranges::count_if(group.wire, is_told) == 1);  // member 3 has acknowledged nothing
  group.wire.clear();
  CHECK(group.at(2).commit() == before);
  group.pass_time(Settings{}.heartbeat + std::chrono::milliseconds(5));
  CHECK(group.at(2).commit() == before.next());
  group.release_disk(3);
  group.deliver();
  CHECK(group.at(3).commit() == before.next());
}
