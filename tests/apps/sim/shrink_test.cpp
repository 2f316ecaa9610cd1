// Shrinking, against failures that are made up: what they need is known, and each try is counted.
#include "apps/sim/shrink.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "apps/sim/smaller.hpp"
#include "tests/apps/sim/any_scenario.hpp"
#include "tests/apps/sim/test_workloads.hpp"

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;
using Fails = std::function<bool(const sim::Scenario&)>;

/// Says of each candidate whether it `fails`, and sees to it that it is one that a file may hold.
FailsAlike trial_of(const Fails& fails) {
  return [fails](std::span<const sim::Scenario> candidates) -> std::optional<std::size_t> {
    for (const sim::Scenario& one : candidates) {
      const auto again = read_scenario(write_scenario(one, kTestWorkloads, ""), kTestWorkloads, test_settings());
      base::ensure(again.ok() && again.value() == one, "a candidate is valid");
    }
    const auto found = std::find_if(candidates.begin(), candidates.end(), fails);
    if (found == candidates.end()) return std::nullopt;
    return static_cast<std::size_t>(found - candidates.begin());
  };
}

Shrunk shrink_all(const sim::Scenario& failing, const Fails& fails, ShrinkLimits limits = {},
                  base::Duration failed_at = sim::kWorldTimeMax) {
  return shrink(failing, failed_at, kTestWorkloads, trial_of(fails), limits, [](const ShrinkStep&) {});
}

/// Fault number i breaks an actor at its message i + 1: so each is known by its amount.
sim::Scenario many_faults(std::int64_t count) {
  sim::Scenario out;
  out.domains = {"shop"};
  out.policy = sim::Policy::pct;
  out.time = 400s;
  for (std::int64_t i = 0; i < count; ++i)
    out.faults.push_back({.what = sim::FaultKind::break_actor,
                          .at = i * 987'654'321ns,
                          .node = static_cast<std::uint16_t>(i % 5),
                          .amount = i + 1});
  for (std::int64_t i = 0; i < 300; ++i)
    out.operations.push_back(
        {i * 1'234'567us, static_cast<std::uint16_t>(i % 5), "shop.sell", {{"thing", i % 64}, {"coins", i}}});
  return out;
}

std::set<std::int64_t> amounts(const sim::Scenario& scenario) {
  std::set<std::int64_t> out;
  for (const sim::Fault& fault : scenario.faults) out.insert(fault.amount);
  return out;
}

TEST_CASE("sim shrink: three faults needed of 400 are found in at most 150 tries, wherever they lie") {
  for (const std::set<std::int64_t>& needed :
       {std::set<std::int64_t>{1, 2, 3}, {398, 399, 400}, {1, 200, 400}, {100, 101, 333}, {77, 178, 279}}) {
    const Fails fails = [&](const sim::Scenario& scenario) {
      const auto there = amounts(scenario);
      return std::includes(there.begin(), there.end(), needed.begin(), needed.end());
    };
    const auto shrunk = shrink_all(many_faults(400), fails);
    CHECK(shrunk.finished);
    CHECK(amounts(shrunk.smallest) == needed);
    CHECK(shrunk.smallest.operations.empty());
    CHECK(shrunk.smallest.policy == sim::Policy::fifo);
    CHECK(shrunk.tries <= 150);
  }
}

TEST_CASE("sim shrink: the result does not depend on how many are tried at once") {
  const Fails fails = [](const sim::Scenario& scenario) {
    const auto there = amounts(scenario);
    return there.contains(50) && there.contains(120) && scenario.operations.size() >= 7;
  };
  const auto one = shrink_all(many_faults(200), fails);
  CHECK(one.smallest.faults.size() == 2);
  CHECK(one.smallest.operations.size() == 7);
  for (const std::size_t at_once : {2, 7}) {
    const auto several = shrink_all(many_faults(200), fails, {.at_once = at_once});
    CHECK((several.smallest == one.smallest));
    CHECK(several.finished);
  }
}

TEST_CASE("sim shrink: a failure that does not grow with its causes is kept, and gets smaller") {
  const Fails odd = [](const sim::Scenario& scenario) {
    return scenario.faults.size() % 2 == 1 && amounts(scenario).contains(60);
  };
  const auto shrunk = shrink_all(many_faults(101), odd);
  CHECK(shrunk.finished);
  CHECK(odd(shrunk.smallest));
  CHECK(shrunk.smallest.faults.size() < 101);

  const Fails either = [](const sim::Scenario& scenario) {  // 10 heals what 11 breaks, unless 12 is there
    const auto there = amounts(scenario);
    return there.contains(11) && (!there.contains(10) || there.contains(12));
  };
  CHECK(amounts(shrink_all(many_faults(64), either).smallest) == std::set<std::int64_t>{11});
}

TEST_CASE("sim shrink: what never fails again stays as it is") {
  sim::Scenario scenario = many_faults(50);
  scenario.operations.resize(100);
  const auto shrunk = shrink_all(scenario, [](const sim::Scenario&) { return false; });
  CHECK((shrunk.smallest == scenario));
  CHECK(shrunk.finished);
  CHECK(shrunk.tries <= 600);
}

TEST_CASE("sim shrink: limits end it with the smallest so far") {
  std::size_t trials = 0;
  const Fails fails = [&](const sim::Scenario& scenario) {
    ++trials;
    return amounts(scenario).contains(7);
  };
  SUBCASE("tries") {
    const auto shrunk = shrink_all(many_faults(400), fails, {.tries_max = 5, .at_once = 3});
    CHECK(trials <= 5);
    CHECK(shrunk.tries == 5);
    CHECK_FALSE(shrunk.finished);
    CHECK(fails(shrunk.smallest));
    CHECK(shrunk.smallest.faults.size() < 400);
  }
  SUBCASE("none") {
    const auto shrunk = shrink_all(many_faults(400), fails, {.tries_max = 0});
    CHECK(trials == 0);
    CHECK_FALSE(shrunk.finished);
    CHECK((shrunk.smallest == many_faults(400)));
  }
  SUBCASE("time") {
    const auto shrunk = shrink_all(many_faults(400), fails, {.out_of_time = [&] { return trials >= 4; }});
    CHECK(trials == 4);
    CHECK_FALSE(shrunk.finished);
  }
}

TEST_CASE("sim shrink: what comes after the failure goes first, in one try") {
  std::vector<std::size_t> left;
  const Fails fails = [](const sim::Scenario& scenario) { return amounts(scenario).contains(50); };  // at 48.4 s
  const auto shrunk = shrink(many_faults(400), 50s + 1ms, kTestWorkloads, trial_of(fails), {},
                             [&](const ShrinkStep& step) { left.push_back(step.smallest.faults.size()); });
  REQUIRE_FALSE(left.empty());
  CHECK(left.front() == 51);
  CHECK(shrunk.smallest.time == 48s);  // and the time of the world ends with its last fault
  CHECK(shrunk.smallest.faults.front().at == 48s);
}

TEST_CASE("sim shrink: nodes that nothing needs go, and the others are counted anew") {
  sim::Scenario scenario;
  scenario.domains = {"shop"};
  scenario.nodes = 9;
  scenario.drift_ppm = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  scenario.faults = {{.what = sim::FaultKind::partition, .at = 1s, .span = 1s, .amount = 0b100100010},
                     {.what = sim::FaultKind::cut, .at = 2s, .span = 1s, .node = 6, .other = 2}};
  scenario.operations = {{3s, 4, "shop.visit", {{"to", 8}}}};
  const auto without = without_nodes(scenario, kTestWorkloads, std::vector<std::uint16_t>{0, 1, 3, 7});
  REQUIRE(without);
  sim::Scenario wanted = scenario;
  wanted.nodes = 5;
  wanted.drift_ppm = {3, 5, 6, 7, 9};
  wanted.faults[0].amount = 0b10100;
  wanted.faults[1].node = 3;
  wanted.faults[1].other = 0;
  wanted.operations[0].node = 1;
  wanted.operations[0].with["to"] = 4;
  CHECK((*without == wanted));
  CHECK(idle_nodes(scenario, kTestWorkloads) == std::vector<std::uint16_t>{0, 1, 3, 5, 7});
  CHECK_FALSE(without_nodes(scenario, kTestWorkloads, std::vector<std::uint16_t>{1, 5, 8}));  // an empty set

  const auto shrunk = shrink_all(scenario, [](const sim::Scenario& one) {
    return one.faults.size() == 2 && one.operations.size() == 1 && one.drift_ppm.size() == one.nodes;
  });
  CHECK(shrunk.smallest.nodes == 4);
  CHECK(shrink_all(scenario, [](const sim::Scenario&) { return true; }).smallest.nodes == 1);
}

TEST_CASE("sim shrink: knobs, planted bugs, drift, policy, TLS and time become plain where they can") {
  sim::Scenario scenario;
  scenario.domains = {"shop"};
  scenario.policy = sim::Policy::starve;
  scenario.tls = scenario.beyond = true;
  scenario.drift_ppm = {10, 20, 30};
  scenario.knobs = {{"net.links_max", "7"}, {"node.name", "x"}, {"net.links_per_address_max", "3"}};
  scenario.mutations = {"forgets", "sells-twice"};

  SUBCASE("all of them") {
    const auto shrunk = shrink_all(scenario, [](const sim::Scenario&) { return true; }).smallest;
    sim::Scenario wanted;
    wanted.domains = {"shop"};
    wanted.nodes = 1;
    wanted.time = 1s;
    wanted.policy = sim::Policy::fifo;
    CHECK((shrunk == wanted));
  }
  SUBCASE("but for one of each") {
    const auto shrunk = shrink_all(scenario, [](const sim::Scenario& one) {
      return one.knobs.contains("node.name") && one.mutations.size() == 1 && one.drift_ppm.size() > 1 &&
             one.drift_ppm[1] == 20 && one.policy != sim::Policy::fifo && one.tls && one.time >= 20s;
    });
    CHECK(shrunk.finished);
    CHECK(shrunk.smallest.knobs == std::map<std::string, std::string>{{"node.name", "x"}});
    CHECK(shrunk.smallest.mutations == std::vector<std::string>{"forgets"});
    CHECK(shrunk.smallest.drift_ppm == std::vector<std::int32_t>{0, 20});
    CHECK(shrunk.smallest.policy == sim::Policy::random);
    CHECK(shrunk.smallest.time == 30s);
    CHECK_FALSE(shrunk.smallest.beyond);
  }
  SUBCASE("a fault beyond keeps its permission") {
    scenario.faults = {{.what = sim::FaultKind::disk_lie, .at = 1s, .span = 1s}};
    const auto shrunk = shrink_all(scenario, [](const sim::Scenario& one) { return !one.faults.empty(); });
    CHECK(shrunk.smallest.beyond);
  }
}

TEST_CASE("sim shrink: moments, spans and amounts become numbers that a person would say") {
  sim::Scenario scenario;
  scenario.domains = {"shop"};
  scenario.faults = {
      {.what = sim::FaultKind::clog, .at = 3'217'654'321ns, .span = 8'317'654'321ns, .other = 1, .amount = 4'812'345},
      {.what = sim::FaultKind::partition, .at = 7'750ms, .span = 1'999ms, .amount = 0b11010},
      {.what = sim::FaultKind::clock_step, .at = 9'123'456'789ns, .amount = -1'234'567},
  };
  scenario.operations = {{9'987'654'321ns, 0, "shop.sell", {{"thing", 33}, {"coins", 765'432}}}};
  const auto shrunk = shrink_all(scenario, [](const sim::Scenario& one) {
    return one.faults.size() == 3 && one.operations.size() == 1 && one.faults[0].span >= 3s &&
           one.faults[0].amount >= 1'000'000 && one.faults[1].at >= 7'700ms && (one.faults[1].amount & 2) != 0 &&
           one.faults[2].amount <= -100'000 && one.operations[0].with.at("coins") >= 9'000 &&
           one.operations[0].with.at("thing") == 33;
  });
  CHECK(shrunk.finished);
  const auto& faults = shrunk.smallest.faults;
  CHECK(faults[0].at == 3s);
  CHECK(faults[0].span == 4s);
  CHECK(faults[0].amount == 1'000'000);
  CHECK(faults[1].at == 7'700ms);
  CHECK(faults[1].span == kSpanMin);
  CHECK(faults[1].amount == 2);
  CHECK(faults[2].at == 9s);
  CHECK(faults[2].amount == -100'000);
  CHECK(shrunk.smallest.operations[0].at == 9s);
  CHECK(shrunk.smallest.operations[0].with.at("coins") == 10'000);
  CHECK(rounded(8'317) == 8'000);
  CHECK(rounded(-99) == -90);
  CHECK(rounded(7) == 7);
  CHECK(rounded(0) == 0);
}

TEST_CASE("sim shrink: a size that several operations say stays one size") {
  sim::Scenario scenario;
  scenario.domains = {"shop"};
  for (const std::int64_t coins : {700'000, 20'000, 700'000})
    scenario.operations.push_back({1s, 0, "shop.sell", {{"thing", 1}, {"coins", coins}}});
  const auto said = [](const sim::Scenario& one, std::size_t order) { return one.operations[order].with.at("coins"); };
  const auto shrunk = shrink_all(scenario, [&](const sim::Scenario& one) {
    return one.operations.size() == 3 && said(one, 0) == said(one, 2) && said(one, 0) > said(one, 1) &&
           said(one, 1) == 20'000;
  });
  CHECK(said(shrunk.smallest, 0) == 50'000);
  CHECK(said(shrunk.smallest, 1) == 20'000);
  CHECK(said(shrunk.smallest, 2) == 50'000);
}

TEST_CASE("sim shrink: every candidate is a scenario that a file may hold, whatever fails") {
  CHECK(rc::check([] {
    const auto scenario = any_scenario();
    const auto chance = *rc::gen::arbitrary<std::size_t>();
    const Fails fails = [&](const sim::Scenario& one) {
      return std::hash<std::string>{}(write_scenario(one, kTestWorkloads, std::to_string(chance))) % 3 == 0;
    };
    const auto shrunk = shrink_all(scenario, fails, {.tries_max = 300, .at_once = 1 + chance % 3}, scenario.time / 2);
    RC_ASSERT(shrunk.smallest == scenario || fails(shrunk.smallest));
    RC_ASSERT(shrunk.tries <= 300u);
  }));
}

}  // namespace
}  // namespace troupe::apps
