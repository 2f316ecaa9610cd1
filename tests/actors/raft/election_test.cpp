// Thesis 3.4 (elections), 3.6.1 (who may win), 9.6 (pre-vote), 6.2 (a leader without a quorum), 3.10 (handing over).
#include <doctest/doctest.h>

#include "tests/actors/raft/group.hpp"

using namespace troupe;
using namespace troupe::raft;
using namespace std::chrono_literals;
using raft_test::Group;
using raft_test::member;

namespace {

template <class Body>
std::size_t count(const std::vector<Message>& wire) {
  return std::count_if(wire.begin(), wire.end(), [](const Message& m) { return std::holds_alternative<Body>(m.body); });
}

}  // namespace

TEST_CASE("election: a majority elects one leader, who begins its term with an entry") {
  Group group(3);
  group.elect(1);
  CHECK(group.leads(1));
  CHECK(group.at(1).term() == Term{2});
  CHECK(group.at(1).log().last() == Index{2});
  CHECK(group.at(1).log().find(Index{2})->kind == EntryKind::term_start);
  CHECK(group.at(1).commit() == Index{2});
  CHECK(group.at(2).status(group.now).leader == member(1));
  CHECK(group.at(3).commit() == Index{2});
}

TEST_CASE("election: a group of one needs its disk alone") {
  Group group(1);
  group[1].disk_held = true;
  group.elect(1);
  CHECK_FALSE(group.leads(1));
  group.release_disk(1);
  CHECK(group.leads(1));
  CHECK(group.at(1).commit() == Index{2});
}

TEST_CASE("election: nothing is asked for or promised before term and vote are durable") {
  Group group(3);
  group[1].disk_held = group[2].disk_held = true;
  group.elect(1);  // pre-votes need no disk
  CHECK(group.at(1).term() == Term{2});
  CHECK(group.wire.empty());
  group.cut = {member(3)};
  group.release_disk(1);
  group.deliver();
  CHECK_FALSE(group.leads(1));  // the vote of 2 is not durable
  group.release_disk(2);
  group.deliver();
  CHECK(group.leads(1));
}

TEST_CASE("election: a member votes once in a term, also after a restart") {
  Group group(3);
  const auto asked = [&](std::uint8_t from) {
    REQUIRE(group.pass({member(from), member(2), Epoch{1}, Term{7}, VoteRequest{Campaign::normal, Index{1}, Term{1}}})
                .ok());
    const auto answers = group.take_wire(from);
    REQUIRE(count<VoteReply>(answers) == 1);
    return std::get<VoteReply>(answers.back().body).granted;
  };
  const raft_test::Planted none, bug("raft.vote_not_saved");
  bool saved = true;
  SUBCASE("") {}
  SUBCASE("a vote that is not saved is forgotten, and two may lead one term") { saved = false; }
  group.plant(2, saved ? none : bug);
  CHECK(asked(3));
  CHECK_FALSE(asked(1));
  group.restart(2);
  group.now = group.now + 1s;
  CHECK(asked(1) == !saved);
  CHECK(asked(3) == saved);
}

TEST_CASE("election: who lacks an entry that a voter has does not win (3.6.1)") {
  Group group(3);
  group.elect(1);
  group.cut = {member(3)};
  group.propose(1);
  group.deliver();
  group.cut = {member(1)};
  group.elect(3);
  CHECK_FALSE(group.leads(3));
  group.elect(2);
  CHECK(group.leads(2));
  SUBCASE("a voter that does not compare logs elects one that has lost a committed entry") {
    group.cut = {member(3)};
    group.propose(2);
    group.pass_time(100ms);
    REQUIRE(group.at(2).commit() == group.at(2).log().last());
    const raft_test::Planted bug("raft.votes_for_shorter_log");
    group.plant(1, bug);
    group.cut = {member(2)};
    group.elect(3);
    CHECK(group.leads(3));
    const Index committed = group.at(2).commit();
    CHECK_FALSE(group.at(3).log().has(committed, *group.at(2).log().term_at(committed)));
  }
}

TEST_CASE("election: a member that comes back disturbs no leader (9.6)") {
  Group group(3);
  group.elect(1);
  group.cut = {member(3)};
  group.pass_time(2s);
  CHECK(group.at(3).role() == Role::candidate);
  CHECK(group.at(3).term() == Term{2});  // pre-votes change no term
  raft_test::Planted seen;
  SUBCASE("because its pre-votes are refused while the leader is heard") {
    group.plant(2, seen);
    group.cut = {};
    group.now = group.now + 10ms;
    const Message ask{member(3), member(2), Epoch{1}, Term{3}, VoteRequest{Campaign::pre, Index{9}, Term{2}}};
    REQUIRE(group.pass(ask).ok());
    CHECK(group.take_wire(3).empty());
    CHECK(seen.reached.contains("raft: a request for votes was ignored, because a leader is heard"));
    group.pass_time(1s);
    CHECK(group.leads(1));
    CHECK(group.at(1).term() == Term{2});
  }
  SUBCASE("without pre-votes the leader would have to go") {
    const raft_test::Planted bug("raft.no_pre_vote");
    group.plant(3, bug);
    group.pass_time(2s);
    CHECK(group.at(3).term() > Term{2});
    group.cut = {};
    group.pass_time(1s);
    CHECK(group.at(1).term() > Term{2});
  }
}

TEST_CASE("election: a member with a later term than its leader's brings it to that term") {
  Group group(3);
  group.elect(1);
  const Message late{member(2), member(1), Epoch{1}, Term{5}, AppendReply{}};
  REQUIRE(group.pass(late).ok());
  CHECK(group.at(1).role() == Role::follower);
  CHECK(group.at(1).term() == Term{5});
  group.pass_time(1s);
  CHECK((group.leads(1) || group.leads(2) || group.leads(3)));
}

TEST_CASE("election: a leader that hears no quorum steps down (6.2)") {
  Group group(3);
  group.elect(1);
  group.cut = {member(2), member(3)};
  group.pass_time(2s);
  CHECK_FALSE(group.leads(1));
  CHECK(group.noted(1, Event::What::quorum_lost));
  CHECK(group.at(1).propose(raft_test::text("x"), group.now).error() == Refused::no_leader);
}

TEST_CASE("election: a voter of a lower priority waits until one of the highest has had its chance") {
  const Settings settings;
  Configuration configuration = raft_test::voters({1, 2, 3});
  configuration.seats[member(1)].priority = kPriorityDefault - 1;
  for (const std::uint8_t n : std::initializer_list<std::uint8_t>{1, 2})
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Restored from{member(n), Epoch{1}, {.term = Term{1}}, Log(founding(configuration)), Index{1}};
      const Raft raft(settings, std::move(from), test::kStart, base::Random(seed));
      const auto wait = raft.wake_at() - test::kStart;
      CHECK(wait >= (n == 1 ? 2 : 1) * settings.election);
      CHECK(wait < (n == 1 ? 3 : 2) * settings.election);
    }
}

TEST_CASE("transfer: the target gets all entries first, then campaigns at once (3.10)") {
  Group group(3);
  group.elect(1);
  group.cut = {member(2)};
  group.propose(1);
  group.deliver();
  REQUIRE(group.at(1).transfer(member(2), group.now).ok());
  CHECK(group.at(1).propose(raft_test::text("x"), group.now).error() == Refused::transferring);
  group.step(1);
  CHECK(group.leads(1));
  SUBCASE("and leads") {
    group.cut = {};
    group.pass_time(100ms);
    CHECK(group.leads(2));
    CHECK(group.at(2).log().has(Index{3}, Term{2}));
  }
  SUBCASE("one that stays away keeps nothing from going on") {
    group.pass_time(400ms);
    CHECK(group.leads(1));
    CHECK(group.at(1).propose(raft_test::text("x"), group.now).ok());
  }
}

TEST_CASE("transfer: only a voter can be the target, and only a leader can be asked") {
  Group group(3);
  CHECK(group.at(1).transfer(member(2), group.now).error() == Refused::no_leader);
  group.elect(1);
  CHECK(group.at(2).transfer(member(3), group.now).error() == Refused::not_leader);
  CHECK(group.at(1).transfer(member(9), group.now).error() == Refused::unknown_member);
  CHECK(group.at(1).transfer(member(2, 7), group.now).error() == Refused::unknown_member);
  CHECK(group.at(1).transfer(member(1), group.now).ok());
  CHECK(group.leads(1));
  const Message forged{member(3), member(2), Epoch{1}, group.at(2).term(), TimeoutNow{}};
  CHECK(group.pass(forged).error() == Rejected::not_leader);
  CHECK(group.at(2).role() == Role::follower);
}

TEST_CASE("transfer: a leader whose disk does not answer hands over, once a minute") {
  Group group(3);
  group.elect(1);
  group[1].disk_held = true;
  group.propose(1);
  group.deliver();
  CHECK(group.at(1).commit() == Index{3});  // the others have it on their disks
  CHECK(group[1].applied.size() == 1);      // its own disk has not
  group.pass_time(900ms);
  CHECK(group.leads(1));
  group.pass_time(300ms);
  CHECK_FALSE(group.leads(1));
  CHECK(group.noted(1, Event::What::disk_stalled));
}
