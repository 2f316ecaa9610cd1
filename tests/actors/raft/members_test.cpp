// Thesis chapter 4: changes of members, with the correction of 2015; incarnations.
#include <doctest/doctest.h>

#include "actors/raft/logic/recover.hpp"
#include "tests/actors/raft/group.hpp"

using namespace troupe;
using namespace troupe::raft;
using namespace std::chrono_literals;
using raft_test::Group;
using raft_test::member;

namespace {

Change add(std::uint8_t n, std::uint64_t incarnation = 1) {
  return {.kind = ChangeKind::voter, .member = member(n, incarnation)};
}
Change remove(std::uint8_t n) { return {.kind = ChangeKind::remove, .member = member(n)}; }

/// Gives `to` the newest snapshot that it was offered.
void install(Group& group, std::uint8_t to) {
  REQUIRE(group[to].fetch.has_value());
  const Snapshot snapshot = group[to].fetch->snapshot;
  REQUIRE(group.at(to).begin_install(snapshot).ok());
  REQUIRE(group.at(to).install_ended(snapshot, group.now).ok());
  group.step(to);
  group.deliver();
}

void change(Group& group, std::uint8_t leader, const std::vector<Change>& changes) {
  REQUIRE(group.at(leader).change(changes, group.now).ok());
  group.step(leader);
  group.deliver();
}

/// The first of three members leads, has written, and adds a fourth.
void add_fourth(Group& group) {
  group.elect(1);
  group.propose(1), group.deliver();
  group.join(4);
  change(group, 1, {add(4)});
}

}  // namespace

TEST_CASE("members: a new one is a learner until it has caught up, and then a voter by itself") {
  Group group(3);
  add_fourth(group);
  const Seat* seat = group.at(1).log().configuration().find(member(4));
  REQUIRE(seat != nullptr);
  CHECK(seat->learner);
  CHECK(seat->promote);
  CHECK_FALSE(seat->voter);
  group.pass_time(100ms);
  CHECK_FALSE(group.at(1).log().configuration().votes(member(4)));  // it has nothing yet
  install(group, 4);
  group.pass_time(200ms);
  CHECK(group.at(1).log().configuration().votes(member(4)));
  CHECK(group.at(4).log().configuration() == group.at(1).log().configuration());
  CHECK_FALSE(group.at(1).log().configuration().joint());  // one voter more needs no joint step
}

TEST_CASE("members: a new one whose snapshot took longer than an election becomes a voter, though nothing is written") {
  Group group(3);
  add_fourth(group);
  group.pass_time(10s);
  install(group, 4);
  group.pass_time(200ms);
  CHECK(group.at(1).log().configuration().votes(member(4)));
}

TEST_CASE("members: a learner that is to stay one gets all entries and no vote") {
  Group group(1);
  group.elect(1);
  group.join(2);
  change(group, 1, {{.kind = ChangeKind::learner, .member = member(2)}});
  group.pass_time(100ms);
  install(group, 2);
  group.pass_time(500ms);
  CHECK(group.at(2).commit() == group.at(1).commit());
  CHECK_FALSE(group.at(1).log().configuration().votes(member(2)));
  group.cut = {member(1)};
  group.pass_time(1s);
  CHECK(group.at(2).role() == Role::follower);
}

TEST_CASE("members: two voters change by a joint step, which ends by itself") {
  Group group(5);
  group.elect(1);
  CHECK(group.at(1).change({remove(4), remove(5)}, group.now).ok());
  group.step(1);
  CHECK(group.at(1).log().configuration().joint());
  CHECK(group.at(1).change({remove(3)}, group.now).error() == Refused::change_pending);
  SUBCASE("a majority of the old voters alone is not enough") {
    group.cut = {member(2), member(3)};  // 1, 4 and 5 are a majority of the old voters, and not of the new ones
    group.deliver();
    CHECK(group.at(1).commit() < group.at(1).log().configuration_index());
  }
  SUBCASE("nor is one of the new voters") {
    group.cut = {member(3), member(4), member(5)};
    group.deliver();
    CHECK(group.at(1).commit() < group.at(1).log().configuration_index());
  }
  SUBCASE("both are") {
    group.cut = {member(2), member(4)};
    group.pass_time(100ms);
    CHECK_FALSE(group.at(1).log().configuration().joint());
  }
  SUBCASE("a new leader ends it, too") {
    group.cut = {member(1)};
    group.wire.clear();
    group.cut = {};
    group.restart(1);
    group.now = group.now + 1s;
    group.elect(1);
    REQUIRE(group.leads(1));
    group.pass_time(100ms);
    CHECK_FALSE(group.at(1).log().configuration().joint());
    CHECK(group.at(1).log().configuration() == raft_test::voters({1, 2, 3}));
  }
}

TEST_CASE("members: a change waits for an entry of the leader's term (correction of 2015)") {
  Group group(3);
  group.cut = {member(3)};
  group.now = group.now + 1s;
  group.tick(1);
  while (!group.leads(1)) {
    const Message message = group.wire.front();
    group.wire.pop_front();
    (void)group.pass(message);
  }
  CHECK(group.at(1).change({remove(3)}, group.now).error() == Refused::term_not_begun);
  group.deliver();
  CHECK(group.at(1).change({remove(3)}, group.now).ok());
  CHECK(group.at(1).change({remove(2)}, group.now).error() == Refused::change_pending);
}

TEST_CASE("members: without that wait two leaders commit with majorities that do not meet") {
  // Ongaro's counterexample: {1,2,3,4}. 1 removes 2, and only 1 hears of it; 2 leads, and removes 1 with 3 and 4
  // … here shown by its first step: the leader of a new term changes members while an older change may be alive.
  Group group(4);
  group.elect(1);
  group.cut = {member(2), member(3), member(4)};
  REQUIRE(group.at(1).change({remove(2)}, group.now).ok());
  group.step(1);
  group.wire.clear();
  const raft_test::Planted bug("raft.changes_before_its_term");
  group.plant(2, bug);
  group.cut = {member(1)};
  group.now = group.now + 1s;
  group.tick(2);
  while (!group.leads(2)) {
    const Message message = group.wire.front();
    group.wire.pop_front();
    (void)group.pass(message);
  }
  group.wire.clear();
  REQUIRE(group.at(2).change({remove(1)}, group.now).ok());
  CHECK(group.at(1).log().configuration() == raft_test::voters({1, 3, 4}));
  CHECK(group.at(2).log().configuration() == raft_test::voters({2, 3, 4}));  // {1,3} and {2,4} are majorities of each
}

TEST_CASE("members: a change that would lose the quorum is refused, and so is one that changes nothing") {
  Group group(3);
  group.elect(1);
  group.pass_time(100ms);
  CHECK(group.at(1).change({add(2)}, group.now).error() == Refused::no_change);
  CHECK(group.at(1).change({remove(1), remove(2), remove(3)}, group.now).error() == Refused::bad_change);
  CHECK(group.at(2).change({remove(3)}, group.now).error() == Refused::not_leader);
  group.cut = {member(3)};
  group.pass_time(400ms);
  CHECK(group.at(1).change({remove(2)}, group.now).error() == Refused::loses_quorum);
  CHECK(group.at(1).change({remove(3)}, group.now).ok());
}

TEST_CASE("members: a leader that is removed leads until that is committed, and hands over (4.2.2)") {
  Group group(3);
  group.elect(1);
  group.pass_time(100ms);
  change(group, 1, {remove(1)});
  group.deliver();
  CHECK(group.noted(1, Event::What::removed));
  CHECK_FALSE(group.leads(1));
  CHECK((group.leads(2) || group.leads(3)));  // at once, without a time-out
  group.pass_time(2s);
  CHECK(group.at(1).role() == Role::follower);
  CHECK((group.leads(2) || group.leads(3)));
}

TEST_CASE("members: one that a lost change removed can still be elected (4.2.2)") {
  // 2 leads, removes itself, and ends before 3 has that entry. 3 cannot be elected with its shorter log.
  Group group(2);
  group.elect(2);
  group.cut = {member(1)};
  REQUIRE(group.at(2).change({remove(2)}, group.now).ok());
  group.step(2);
  group.wire.clear();
  group.restart(2);
  group.cut = {};
  group.pass_time(3s);
  CHECK(group.leads(1));
  CHECK(group.at(1).log().configuration() == raft_test::voters({1}));
}

TEST_CASE("members: answers and votes of another incarnation count for nothing") {
  Group group(3);
  group.elect(1);
  const Term term = group.at(1).term();
  for (const Body& body : {Body{AppendReply{.accepted = true, .match = Index{2}}}, Body{VoteReply{.granted = true}},
                           Body{HeartbeatReply{.durable = Index{2}}}, Body{ReadRequest{ReadId{1}}}}) {
    CHECK(group.pass({member(2, 2), member(1), Epoch{1}, term, body}).error() == Rejected::unknown_member);
    CHECK(group.pass({member(2, 2), member(1), Epoch{1}, term + 5, body}).error() == Rejected::unknown_member);
  }
  CHECK(group.at(1).term() == term);
  // Nor does a member take what is meant for its predecessor, or what comes from another cluster.
  const Message beat{member(1), member(2, 2), Epoch{1}, term, Heartbeat{}};
  CHECK(group.at(2).receive(beat, group.now).error() == Rejected::other_member);
  Message other = beat;
  other.to = member(2);
  other.epoch = Epoch{2};
  CHECK(group.at(2).receive(other, group.now).error() == Rejected::other_epoch);
}

TEST_CASE("members: one that lost its disk is replaced by its next incarnation in one change") {
  Group group(3);
  group.elect(1);
  group.propose(1), group.deliver();
  group.cut = {member(3)};
  group.pass_time(400ms);
  change(group, 1, {remove(3), add(3, 2)});
  const Configuration& configuration = group.at(1).log().configuration();
  CHECK(configuration.find(member(3)) == nullptr);
  REQUIRE(configuration.find(member(3, 2)) != nullptr);
  CHECK(configuration.find(member(3, 2))->promote);
}

TEST_CASE("members: one survivor goes on alone, in a new epoch that the old cluster does not reach") {
  Group group(3);
  group.elect(1);
  const Position kept = group.propose(1, "kept");
  group.deliver();
  Log log = group.at(2).log();
  const auto forced = force_new_cluster({member(2), Epoch{1}, group[2].state, std::move(log), Index{1}});
  REQUIRE(forced.has_value());
  CHECK(forced->next.consistent());
  CHECK(forced->next.epoch == Epoch{2});
  Raft alone(Settings{}, forced->next, group.now, base::Random(1));
  const Message old{member(1), member(2), Epoch{1}, Term{9}, Heartbeat{}};
  CHECK(alone.receive(old, group.now).error() == Rejected::other_epoch);
  alone.tick(alone.wake_at());
  std::vector<Entry> applied;
  for (int n = 0; n < 3; ++n) {
    Output out = alone.take(group.now + 1s);
    CHECK(out.messages.empty());
    if (out.save) alone.saved(out.save->id, group.now + 1s);
    applied.insert(applied.end(), out.apply.begin(), out.apply.end());
  }
  CHECK(alone.role() == Role::leader);
  CHECK(alone.log().configuration() == raft_test::voters({2}));
  REQUIRE(applied.size() == 4);  // the start of a term, the command, the configuration, the start of its own term
  CHECK(applied[1].index == kept.index);
}
