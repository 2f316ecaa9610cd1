#include <doctest/doctest.h>

#include "runtime/actor/logic/supervisor.hpp"
#include "runtime/base/ensure.hpp"

using namespace troupe;
using namespace troupe::runtime::logic;
using namespace std::chrono_literals;
using base::Instant;

namespace {

Supervision family(Strategy strategy, ChildId children) {
  RestartPolicy policy;
  policy.strategy = strategy;
  Supervision out(policy);
  for (ChildId id = 1; id <= children; ++id) CHECK(out.child_added(id * 10).ok());
  return out;
}

std::vector<ChildId> restarted(const std::optional<runtime::logic::Decision>& decision) {
  REQUIRE(decision.has_value());
  REQUIRE(std::holds_alternative<Restart>(*decision));
  return std::get<Restart>(*decision).children;
}

base::Duration delay(const std::optional<runtime::logic::Decision>& decision) {
  REQUIRE(decision.has_value());
  REQUIRE(std::holds_alternative<Restart>(*decision));
  return std::get<Restart>(*decision).after;
}

}  // namespace

TEST_CASE("supervisor: a failure restarts whom the strategy names, in the order of adding") {
  base::Random random(1);
  const Instant now{100s};
  CHECK(restarted(family(Strategy::one_for_one, 3).child_failed(20, now, random)) == std::vector<ChildId>{20});
  CHECK(restarted(family(Strategy::rest_for_one, 3).child_failed(20, now, random)) == std::vector<ChildId>{20, 30});
  CHECK(restarted(family(Strategy::all_for_one, 3).child_failed(20, now, random)) == std::vector<ChildId>{10, 20, 30});

  SUBCASE("the order is that of adding, not of the ids, and leaves out who has ended") {
    Supervision parent = family(Strategy::all_for_one, 3);
    REQUIRE(parent.child_ended(20));
    REQUIRE(parent.child_added(5).ok());
    CHECK(restarted(parent.child_failed(5, now, random)) == std::vector<ChildId>{10, 30, 5});
  }
}

TEST_CASE("supervisor: what a failure calls for is the child's own matter") {
  base::Random random(1);
  const Instant now{100s};
  Supervision parent = family(Strategy::all_for_one, 1);
  REQUIRE(parent.child_added(1, OnFailure::stop).ok());
  REQUIRE(parent.child_added(2, OnFailure::escalate).ok());
  CHECK(parent.child_failed(1, now, random) == runtime::logic::Decision(Stop{1}));
  CHECK(parent.children() == 2);
  CHECK_FALSE(parent.child_failed(1, now, random).has_value());
  CHECK(parent.child_failed(2, now, random) == runtime::logic::Decision(Escalate{}));
  CHECK(parent.children() == 2);
}

TEST_CASE("supervisor: one failure more than the intensity allows escalates") {
  base::Random random(1);
  Supervision parent = family(Strategy::one_for_one, 8);
  const Instant start{100s};
  for (ChildId id = 1; id <= 5; ++id) CHECK(restarted(parent.child_failed(id * 10, start, random)).size() == 1);

  SUBCASE("within the window, and again while it lasts") {
    CHECK(parent.child_failed(60, start + 30s - 1ns, random) == runtime::logic::Decision(Escalate{}));
    CHECK(parent.child_failed(70, start + 30s - 1ns, random) == runtime::logic::Decision(Escalate{}));
  }
  SUBCASE("not after the window") { CHECK(restarted(parent.child_failed(60, start + 30s, random)).size() == 1); }
  SUBCASE("a policy without restarts escalates at once") {
    RestartPolicy policy;
    policy.restarts_max = 0;
    Supervision strict(policy);
    REQUIRE(strict.child_added(1).ok());
    CHECK(strict.child_failed(1, start, random) == runtime::logic::Decision(Escalate{}));
  }
}

TEST_CASE("supervisor: back-off doubles to its bound with jitter, and starts anew after a quiet window") {
  RestartPolicy policy;
  policy.restarts_max = 100;
  Supervision parent(policy);
  REQUIRE(parent.child_added(1).ok());
  REQUIRE(parent.child_added(2).ok());
  base::Random random(7);
  Instant now{100s};
  base::Duration bound = 100ms;
  for (int i = 0; i < 12; ++i) {
    const base::Duration after = delay(parent.child_failed(1, now, random));
    CHECK(after <= bound);
    CHECK(after >= bound / 2);
    now = now + after;
    bound = std::min<base::Duration>(bound * 2, 10s);
  }
  CHECK(delay(parent.child_failed(2, now, random)) <= 100ms);  // another child's trouble is not its own
  CHECK(delay(parent.child_failed(1, now + 29s, random)) >= 5s);
  CHECK(delay(parent.child_failed(1, now + 29s + 10s + 30s, random)) <= 100ms);
}

TEST_CASE("supervisor: a report that crossed the decision about it changes nothing") {
  base::Random random(1);
  const Instant now{100s};
  Supervision parent = family(Strategy::rest_for_one, 3);
  const base::Duration after = delay(parent.child_failed(20, now, random));
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(parent.child_failed(20, now + after - 1ns, random).has_value());
    CHECK_FALSE(parent.child_failed(30, now + after - 1ns, random).has_value());
  }
  CHECK(restarted(parent.child_failed(10, now + after - 1ns, random)).size() == 3);
  CHECK(restarted(parent.child_failed(30, now + 1s, random)).size() == 1);
}

TEST_CASE("supervisor: strangers and repetitions are told apart") {
  base::Random random(1);
  Supervision parent = family(Strategy::one_for_one, 1);
  CHECK(parent.child_added(10).error() == SupervisionError::already_known);
  CHECK_FALSE(parent.child_ended(99));
  CHECK_FALSE(parent.child_failed(99, Instant(1s), random).has_value());
  CHECK(parent.child_ended(10));
  CHECK(parent.children() == 0);
  RestartPolicy eager;
  eager.backoff_min = 0s;
  CHECK_THROWS_AS(Supervision{eager}, base::InvariantBroken);
}

TEST_CASE("supervisor: one child more than the limit is refused") {
  Supervision parent{RestartPolicy{}};
  for (ChildId id = 0; id < kChildrenMax; ++id) REQUIRE(parent.child_added(id).ok());
  CHECK(parent.child_added(kChildrenMax).error() == SupervisionError::too_many);
  CHECK(parent.child_ended(5));
  CHECK(parent.child_added(kChildrenMax).ok());
}
