// What a peer says can be refused, and breaks nothing.
#include <doctest/doctest.h>

#include "tests/actors/raft/group.hpp"

using namespace troupe;
using namespace troupe::raft;
using namespace std::chrono_literals;
using raft_test::Group;
using raft_test::member;

namespace {

Message from_leader(Body body, Term term = Term{2}) { return {member(1), member(2), Epoch{1}, term, std::move(body)}; }

/// Messages that no honest member would send: small numbers, so that they meet what is there, and huge ones.
class Liar {
 public:
  explicit Liar(std::uint64_t seed) : random_(seed) {}

  Message message(const MemberId& to) {
    const auto from = static_cast<std::uint8_t>(1 + random_.below(4));
    Message out{member(from, 1 + random_.below(8) / 7), to, Epoch{1}, Term{number(9)}, body()};
    if (out.from == to) out.from = member(5);
    return out;
  }
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

 private:
  std::uint64_t number(std::uint64_t small) {
    if (random_.chance(1, 60)) return random_.next();
    if (random_.chance(1, 60)) return kNumberMax - random_.below(3);
    return random_.below(small);
  }
  Index index() { return Index{number(14)}; }
  Term term() { return Term{number(6)}; }

  std::vector<Entry> entries(Index previous, Term term) {
    std::vector<Entry> out;
    for (std::uint64_t n = random_.below(5); n > 0; --n) {
      previous = previous.next();
      term = term + random_.below(5) / 4;
      Entry entry{.index = random_.chance(1, 40) ? index() : previous, .term = term};
      if (random_.chance(1, 4)) {
        entry.kind = static_cast<EntryKind>(random_.below(5));
        if (random_.chance(2, 3)) entry.data = std::make_shared<const base::Bytes>(encode(configuration()));
      }
      out.push_back(std::move(entry));
    }
    return out;
  }
  Configuration configuration() {
    Configuration out;
    for (std::uint8_t n = 1; n <= 5; ++n) {
      Seat seat;
      seat.voter = random_.chance(1, 2);
      seat.outgoing = random_.chance(1, 5);
      seat.learner = random_.chance(1, 5);
      seat.promote = random_.chance(1, 5);
      out.seats[member(n)] = seat;
    }
    out.auto_leave = random_.chance(1, 2);
    return out;
  }
  Body body() {
    switch (random_.below(12)) {
      case 0: return VoteRequest{static_cast<Campaign>(random_.below(4)), index(), term()};
      case 1: return VoteReply{random_.chance(1, 2), random_.chance(1, 2)};
      case 2: {
        Append append{.previous = index(), .previous_term = term(), .commit = index(), .sequence = number(30)};
        append.entries = entries(append.previous, append.previous_term);
        return append;
      }
      case 3:
        return AppendReply{.accepted = random_.chance(1, 2),
                           .match = index(),
                           .hint = index(),
                           .hint_term = term(),
                           .sequence = number(30)};
      case 4:
        return Heartbeat{index(), Round{number(20)}, number(30),
                         random_.chance(1, 8) ? base::Duration(random_.next())
                                              : std::chrono::seconds(random_.below(90)) - std::chrono::seconds(9)};
      case 5: return HeartbeatReply{Round{number(20)}, index(), base::Duration(random_.next()), number(30)};
      case 6: return InstallSnapshot{{.index = index(), .term = term(), .configuration = configuration()}, number(30)};
      case 7: return TimeoutNow{};
      case 8: return ReadRequest{ReadId{number(9)}};
      case 9: return Wake{};
      case 10: return Commit{index()};
      default: return ReadReply{ReadId{number(9)}, index()};
    }
  }
  base::Random random_;
};

}  // namespace

TEST_CASE("hostile: fields that contradict each other or leave their range are refused") {
  Group group(3);
  group.elect(1);
  const auto error = [&](Message message) { return group.at(2).receive(message, group.now).error(); };
  const Entry good{.index = Index{3}, .term = Term{2}};
  const auto append = [&](std::vector<Entry> entries) {
    return Append{.previous = Index{2}, .previous_term = Term{2}, .entries = std::move(entries)};
  };
  CHECK(error(from_leader(append({good, good}))) == Rejected::malformed);
  CHECK(error(from_leader(append({{.index = Index{3}, .term = Term{1}}}))) == Rejected::malformed);
  CHECK(error(from_leader(append({{.index = Index{3}, .term = Term{3}}}))) == Rejected::malformed);
  CHECK(error(from_leader(append({{.index = Index{3}, .term = Term{2}, .kind = EntryKind{3}}}))) ==
        Rejected::malformed);
  CHECK(error(from_leader(append({{.index = Index{3}, .term = Term{2}, .kind = EntryKind::membership}}))) ==
        Rejected::malformed);
  CHECK(error(from_leader(append(std::vector<Entry>(kAppendEntriesMax + 1, good)))) == Rejected::malformed);
  Entry large = good;
  large.data = std::make_shared<const base::Bytes>(kEntryBytesLimit + 1);
  CHECK(error(from_leader(append({large}))) == Rejected::malformed);
  CHECK(error(from_leader(Append{.previous = Index{2}})) == Rejected::malformed);
  CHECK(error(from_leader(Heartbeat{}, Term{kNumberMax + 1})) == Rejected::malformed);
  CHECK(error(from_leader(Heartbeat{}, Term{0})) == Rejected::malformed);
  CHECK(error(from_leader(Heartbeat{.round = Round{kNumberMax + 1}})) == Rejected::malformed);
  CHECK(error(from_leader(Heartbeat{.quiet = kQuietMax + std::chrono::nanoseconds{1}})) == Rejected::malformed);
  CHECK(error(from_leader(Heartbeat{.quiet = std::chrono::nanoseconds{-1}})) == Rejected::malformed);
  CHECK(error(from_leader(InstallSnapshot{{.index = Index{9}, .term = Term{2}}})) == Rejected::malformed);
  CHECK(error(from_leader(VoteRequest{Campaign{3}})) == Rejected::malformed);
  CHECK(group.at(2).log().last() == Index{2});
}

TEST_CASE("hostile: what is committed is never truncated") {
  Group group(3);
  group.elect(1);
  group.propose(1), group.deliver();
  const Message over = from_leader(
      Append{.previous = Index{1}, .previous_term = Term{1}, .entries = {{.index = Index{2}, .term = Term{1}}}});
  CHECK(group.at(2).receive(over, group.now).error() == Rejected::conflicts_with_committed);
  const Message before = from_leader(Append{.previous = Index{2}, .previous_term = Term{1}});
  CHECK(group.at(2).receive(before, group.now).error() == Rejected::conflicts_with_committed);
  CHECK(group.at(2).log().has(Index{3}, Term{2}));
}

TEST_CASE("hostile: a second leader of a term, and a commit beyond what was acknowledged, are refused") {
  Group group(3);
  group.elect(1);
  Message other = from_leader(Heartbeat{});
  other.from = member(3);
  CHECK(group.at(2).receive(other, group.now).error() == Rejected::two_leaders);
  CHECK(group.at(2).receive(from_leader(Heartbeat{.commit = Index{50}}), group.now).error() == Rejected::behind);
  CHECK(group.at(2).receive(from_leader(Commit{Index{50}}), group.now).error() == Rejected::behind);
  Message told = from_leader(Commit{Index{2}});
  told.from = member(3);
  CHECK(group.at(2).receive(told, group.now).error() == Rejected::two_leaders);
  CHECK(group.at(2).commit() == Index{2});
}

TEST_CASE("hostile: an old message that comes late shortens no log") {
  Group group(3);
  group.elect(1);
  group.propose(1);
  const std::vector<Message> first = group.take_wire(2);
  group.propose(1);
  for (const Message& message : first) REQUIRE(group.pass(message).ok());
  group.deliver();
  REQUIRE(group.at(2).log().last() == Index{4});
  for (const Message& message : first) REQUIRE(group.pass(message).ok());
  CHECK(group.at(2).log().last() == Index{4});
}

TEST_CASE("hostile: no sequence of lies breaks an invariant") {
  for (std::uint64_t seed = 0; seed < test::rounds(300, 20); ++seed) {
    CAPTURE(seed);
    Group group(3);
    Liar liar(seed);
    if (liar.below(2) == 0) group.elect(1);
    for (int n = 0; n < 300; ++n) {
      const auto at = static_cast<std::uint8_t>(1 + liar.below(3));
      REQUIRE_NOTHROW((void)group.pass(liar.message(member(at))));
      if (liar.below(10) == 0 && group[at].fetch) {
        const Snapshot snapshot = group[at].fetch->snapshot;
        if (group.at(at).begin_install(snapshot).ok()) {
          if (liar.below(2) == 0) REQUIRE_NOTHROW((void)group.pass(liar.message(member(at))));
          if (!group.at(at).install_ended(snapshot, group.now).ok()) break;  // the member is of no use any more
          group.step(at);
        }
      }
      if (liar.below(20) == 0) (void)group.at(at).propose(raft_test::text("x"), group.now), group.step(at);
      if (liar.below(20) == 0) {
        group.now = group.now + base::Duration(liar.below(400'000'000));
        REQUIRE_NOTHROW(group.tick(at));
      }
      if (liar.below(4) > 0) group.wire.clear();
      else if (!group.wire.empty()) REQUIRE_NOTHROW((void)group.pass(group.wire.front()));
      while (group.wire.size() > 50) group.wire.pop_front();
    }
  }
}
