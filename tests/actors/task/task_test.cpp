#include "actors/task/logic/task.hpp"

#include <doctest/doctest.h>

#include "runtime/base/random.hpp"
#include "tests/actors/task/orders.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::task;

namespace {

constexpr std::uint64_t kBeginMs = 1'800'000'000'000;

Candidate worker(std::uint8_t number) {
  Candidate out;
  out.node.bytes[0] = out.owner.bytes[0] = out.group.prefix[0] = number;
  return out;
}

Ended exited(int status, std::uint8_t answer = 1) {
  Ended out{.exit_status = status};
  out.answer.bytes[0] = answer;
  return out;
}

struct TestTask {
  explicit TestTask(Order its_order = small_order()) : order(std::move(its_order)), task(order, kBeginMs) {}
  Order order;
  Task task;
  std::uint64_t now = kBeginMs, token = 0;

  std::uint64_t place(std::uint8_t node) {
    REQUIRE(task.wanted(now) > 0);
    REQUIRE(task.place(++token, worker(node), now));
    return token;
  }
  std::uint64_t run(std::uint8_t node) {
    const auto out = place(node);
    REQUIRE(task.began(out, now));
    return out;
  }
  void pass(std::uint64_t ms) { now += ms; }
};

Order replicated(std::uint8_t replicas, std::uint8_t quorum, std::uint8_t retries) {
  Order out = small_order();
  out.deterministic = true;
  out.replicas = replicas;
  out.quorum = quorum;
  out.retries = retries;
  return out;
}

}  // namespace

TEST_CASE("task: an answer ends it, good or bad") {
  TestTask it;
  CHECK(it.task.state() == State::queued);
  const auto token = it.run(1);
  CHECK(it.task.state() == State::running);
  CHECK(it.task.wanted(it.now) == 0);
  SUBCASE("exit 0") {
    CHECK(it.task.ended(token, exited(0), it.now));
    CHECK(it.task.state() == State::done);
    CHECK(it.task.result()->verdict == Verdict::right);
    CHECK(it.task.reason().empty());
  }
  SUBCASE("exit 3") {
    CHECK(it.task.ended(token, exited(3), it.now));
    CHECK(it.task.state() == State::failed);
    CHECK(it.task.reason() == "its program ended with 3");
  }
  SUBCASE("a limit") {
    Ended how = exited(0);
    how.exit_status.reset();
    how.signal = 9;
    how.limit = sandbox::Limit::memory;
    CHECK(it.task.ended(token, how, it.now));
    CHECK(it.task.reason() == "its program reached the limit of memory");
  }
  CHECK(final(it.task.state()));
  CHECK_FALSE(it.task.ended(token, exited(0), it.now));
  CHECK_FALSE(it.task.cancel("by its submitter", it.now));
  CHECK_FALSE(it.task.lost(token, "gone", it.now));
  CHECK(it.task.wanted(it.now + 1'000'000) == 0);
}

TEST_CASE("task: a lost attempt is repeated elsewhere, later and later, and its late answer is refused") {
  TestTask it;
  const auto first = it.run(1);
  CHECK(it.task.lost(first, "its link ended", it.now));
  CHECK(it.task.wanted(it.now) == 0);
  CHECK(it.task.wake_ms() == it.now + 1'000);
  it.pass(1'000);
  CHECK(it.task.wanted(it.now) == 1);
  CHECK(it.task.apart(Task::Away::nodes).tried.contains(worker(1).node));
  CHECK(it.task.apart(Task::Away::nodes).groups.empty());
  CHECK(it.task.apart(Task::Away::none).tried.empty());
  const auto second = it.run(2);
  CHECK_FALSE(it.task.ended(first, exited(0), it.now));
  CHECK_FALSE(it.task.place(first, worker(3), it.now));
  CHECK(it.task.lost(second, "its link ended", it.now));
  CHECK(it.task.wake_ms() == it.now + 2'000);
  it.pass(2'000);
  const auto third = it.place(3);
  CHECK(it.task.refused(third, "no slot", it.now));
  CHECK(it.task.state() == State::failed);
  CHECK(it.task.reason() == "every attempt was lost; the last: no slot");
}

// Programs of a stranger that keep a worker short of memory ended those of others there, three dips a task for good.
TEST_CASE("task: one for which a machine had no memory left is repeated without a retry, and not without end") {
  TestTask it;
  const auto spare = [&] {
    const auto token = it.run(static_cast<std::uint8_t>(it.token + 1));
    CHECK(it.task.spared(token, "no memory", it.now));
    CHECK_FALSE(it.task.spared(token, "again", it.now));
    CHECK(it.task.wanted(it.now) == 0);
    it.pass(Task::kBackoffMaxMs);
    it.task.check();
  };
  for (std::size_t i = 0; i < Task::kSparedMax; ++i) spare();
  const auto read = Task::decode(it.order, it.task.encode());
  REQUIRE(read);
  CHECK(*read == it.task);
  for (std::uint8_t i = 0; i < it.order.retries; ++i) spare();
  CHECK(it.task.state() == State::running);
  const auto last = it.run(100);
  CHECK(it.task.spared(last, "no memory", it.now));
  CHECK(it.task.state() == State::failed);
  CHECK(it.task.reason() == "every attempt was lost; the last: no memory");
}

TEST_CASE("task: what does not start in time expires, and says what it waited for") {
  TestTask it;
  it.task.waits_for("3 lack memory");
  it.pass(3'599'999);
  CHECK_FALSE(it.task.tick(it.now));
  it.pass(1);
  CHECK(it.task.tick(it.now));
  CHECK(it.task.state() == State::expired);
  CHECK(it.task.reason() == "3 lack memory");
  TestTask running;
  running.run(1);
  running.pass(4'000'000);
  CHECK_FALSE(running.task.tick(running.now));
}

TEST_CASE("task: a node that does not take it is no attempt, and no retry") {
  TestTask it;
  for (std::uint8_t node = 1; node < 9; ++node) {
    const auto token = it.place(node);
    CHECK(it.task.turned_away(token, "a node did not take it: full"));
    CHECK(it.task.attempts().empty());
    CHECK(it.task.wanted(it.now) == 1);
  }
  CHECK(it.task.reason() == "a node did not take it: full");
  const auto token = it.run(1);
  CHECK_FALSE(it.task.turned_away(token, "late"));
  it.task.check();
}

TEST_CASE("task: a clock that is set back by an hour holds up no retry, and no expiry") {
  TestTask it;
  CHECK(it.task.lost(it.run(1), "its link ended", it.now));
  it.now -= 3'600'000;
  CHECK_FALSE(it.task.tick(it.now));
  it.pass(60'000);
  CHECK(it.task.wanted(it.now) == 1);
  TestTask waiting;
  waiting.now -= 900'000;
  CHECK_FALSE(waiting.task.tick(waiting.now));
  waiting.pass(3'600'000);
  CHECK(waiting.task.tick(waiting.now));
}

TEST_CASE("task: one that has run, and can go on nowhere, fails once it has waited for as long as one that never ran") {
  TestTask it(replicated(3, 2, 0));
  const auto a = it.run(1);
  CHECK(it.task.ended(a, exited(0), it.now));
  CHECK(it.task.state() == State::verifying);
  it.task.waits_for("2 are too close to another replica");
  CHECK_FALSE(it.task.tick(it.now));
  it.pass(3'599'999);
  CHECK_FALSE(it.task.tick(it.now));
  it.pass(1);
  CHECK(it.task.tick(it.now));
  CHECK(it.task.state() == State::failed);
  CHECK(it.task.reason() == "no quorum: 2 are too close to another replica");
  it.task.check();
}

TEST_CASE("task: nodes that are asked and do not begin hold up no end") {
  TestTask it;
  CHECK(it.task.lost(it.run(1), "its link ended", it.now));
  for (int i = 0; i < 3'600; ++i) {
    it.pass(1'000);
    if (it.task.wanted(it.now) > 0) it.place(2);
    if (it.task.tick(it.now)) break;
    if (i % 2 == 0) CHECK(it.task.turned_away(it.token, "full"));
  }
  CHECK_FALSE(final(it.task.state()));
  it.pass(2'000);
  CHECK(it.task.tick(it.now));
  CHECK(it.task.state() == State::failed);
}

TEST_CASE("task: while it is held its time to begin does not run, and that is written down") {
  TestTask it;
  for (int i = 0; i < 5; ++i) {
    it.pass(3'000'000);
    it.task.held("another task has not ended", it.now);
    CHECK_FALSE(it.task.tick(it.now));
  }
  CHECK(it.task.reason() == "another task has not ended");
  auto again = Task::decode(it.order, it.task.encode());
  REQUIRE(again);
  CHECK_FALSE(again->tick(it.now + 3'599'999));
  CHECK(again->tick(it.now + 3'600'000));
  CHECK(again->state() == State::expired);
}

TEST_CASE("task: cancelled, it has no attempt under way") {
  TestTask it;
  const auto token = it.run(1);
  CHECK(it.task.cancel("by its submitter", it.now));
  CHECK(it.task.find(token)->state == AttemptState::ended);
  CHECK_FALSE(it.task.ended(token, exited(0), it.now));
  CHECK(it.task.state() == State::cancelled);
}

TEST_CASE("task: after a lost attempt another site is tried first, whether or not replicas are compared") {
  TestTask it;
  CHECK(it.task.lost(it.run(1), "its link ended", it.now));
  it.pass(1'000);
  const Apart apart = it.task.apart(Task::Away::sites);
  CHECK(apart.groups.contains(worker(1).group));
  CHECK(apart.owners.empty());  // which a node names as it likes: one that fails would keep a task from others
  it.run(2);                    // as long as it runs, and nothing is compared, its site is as good as others
  CHECK_FALSE(it.task.apart(Task::Away::sites).groups.contains(worker(2).group));
}

TEST_CASE("task: of replicas the quorum decides, and who is in the minority was wrong") {
  TestTask it(replicated(3, 2, 0));
  CHECK(it.task.wanted(it.now) == 3);
  const auto a = it.run(1), b = it.run(2), c = it.run(3);
  CHECK(it.task.apart(Task::Away::nodes).owners.size() == 3);
  CHECK(it.task.ended(a, exited(0, 9), it.now));
  CHECK(it.task.state() == State::verifying);
  CHECK(it.task.ended(b, exited(0, 1), it.now));
  CHECK(it.task.state() == State::verifying);
  CHECK(it.task.ended(c, exited(0, 1), it.now));
  CHECK(it.task.state() == State::done);
  CHECK(it.task.find(a)->verdict == Verdict::wrong);
  CHECK(it.task.find(b)->verdict == Verdict::right);
  CHECK(it.task.result()->token == b);
}

TEST_CASE("task: replicas that do not agree are asked for more, and then there is no quorum") {
  TestTask it(replicated(2, 2, 1));
  const auto a = it.run(1), b = it.run(2);
  it.task.ended(a, exited(0, 1), it.now);
  it.task.ended(b, exited(0, 2), it.now);
  CHECK(it.task.wanted(it.now) == 1);
  const auto c = it.run(3);
  SUBCASE("the third decides") {
    it.task.ended(c, exited(0, 2), it.now);
    CHECK(it.task.state() == State::done);
    CHECK(it.task.find(a)->verdict == Verdict::wrong);
  }
  SUBCASE("the third says something else") {
    it.task.ended(c, exited(0, 3), it.now);
    CHECK(it.task.state() == State::failed);
    CHECK(it.task.reason() == "no quorum");
    CHECK(it.task.find(c)->verdict == Verdict::open);
  }
}

TEST_CASE("task: one answer is enough of a node that is believed, unless all replicas must agree") {
  TestTask it(replicated(3, 2, 1));
  REQUIRE(it.task.may_believe());
  it.task.believe();
  CHECK(it.task.wanted(it.now) == 1);
  const auto a = it.run(1);
  CHECK_FALSE(it.task.may_believe());
  CHECK(*Task::decode(it.order, it.task.encode()) == it.task);
  SUBCASE("it is taken, and says nothing about the node") {
    it.task.ended(a, exited(0), it.now);
    CHECK(it.task.state() == State::done);
    CHECK(it.task.believes());
    CHECK_FALSE(it.task.compared());
  }
  SUBCASE("a failure is compared") {
    it.task.ended(a, exited(1), it.now);
    CHECK(it.task.state() == State::verifying);
    CHECK(it.task.quorum() == 2);
    CHECK(it.task.wanted(it.now) == 2);
    it.task.ended(it.run(2), exited(1), it.now);
    CHECK(it.task.state() == State::failed);
    CHECK(it.task.compared());
  }
  SUBCASE("a loss raises the quorum") {
    it.task.lost(a, "lost", it.now);
    it.pass(1'000);
    CHECK(it.task.wanted(it.now) == 3);
    CHECK(it.task.quorum() == 2);
    CHECK(it.task.may_believe());
  }
  SUBCASE("one that was not taken raises it: the next node may be any") {
    TestTask other(replicated(3, 2, 1));
    other.task.believe();
    REQUIRE(other.task.turned_away(other.place(1), "busy"));
    CHECK_FALSE(other.task.believes());
    CHECK(other.task.quorum() == 2);
    CHECK(other.task.wanted(other.now) == 3);
  }
  CHECK_FALSE(TestTask(replicated(2, 2, 1)).task.may_believe());
  CHECK_FALSE(TestTask().task.may_believe());
}

TEST_CASE("task: a restart of its coordinator loses what was under way, and keeps the rest") {
  TestTask it(replicated(2, 2, 2));
  const auto a = it.run(1);
  it.run(2);
  it.task.ended(a, exited(0), it.now);
  auto again = Task::decode(it.order, it.task.encode());
  REQUIRE(again);
  CHECK(*again == it.task);
  again->restarted(it.now);
  CHECK(again->wanted(it.now + 1'000) == 1);
  CHECK(again->find(a)->state == AttemptState::answered);
}

TEST_CASE("task: whatever happens in whatever order, it ends once, and its row is read back") {
  for (std::uint64_t seed = 0; seed < test::rounds(2'000); ++seed) {
    base::Random random(seed);
    const auto replicas = static_cast<std::uint8_t>(1 + random.below(4));
    const auto quorum = static_cast<std::uint8_t>(1 + random.below(replicas));
    TestTask it(replicated(replicas, quorum, static_cast<std::uint8_t>(random.below(4))));
    std::optional<State> end;
    for (int step = 0; step < 60; ++step) {
      it.pass(random.below(3'000));
      const std::uint64_t any = random.below(it.token + 2);
      if (it.task.may_believe() && random.below(4) == 0) it.task.believe();
      switch (random.below(8)) {
        case 0:
        case 1:
          if (it.task.wanted(it.now) > 0) it.place(static_cast<std::uint8_t>(random.below(9)));
          break;
        case 2: it.task.began(any, it.now); break;
        case 3:
          it.task.ended(any, exited(static_cast<int>(random.below(2)), static_cast<std::uint8_t>(random.below(3))),
                        it.now);
          break;
        case 4: it.task.lost(any, "lost", it.now); break;
        case 5: it.task.refused(any, "refused", it.now); break;
        case 6:
          if (random.below(20) == 0) it.task.cancel("cancelled", it.now);
          break;
        default: it.task.tick(it.now); break;
      }
      it.task.check();
      const auto again = Task::decode(it.order, it.task.encode());
      REQUIRE(again);
      REQUIRE(*again == it.task);
      if (end) REQUIRE(it.task.state() == *end);
      if (final(it.task.state())) end = it.task.state();
    }
  }
}
