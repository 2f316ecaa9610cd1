// The models of `troupe sim eclipse`, `churn` and `survival`, small: that they count what they say they count.
#include <doctest/doctest.h>

#include "apps/sim/dht_model/churn.hpp"
#include "apps/sim/dht_model/eclipse.hpp"
#include "apps/sim/dht_model/survival.hpp"
#include "apps/sim/dht_model/swarm.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::model;
using namespace std::chrono_literals;

namespace {

ChurnPlan small(std::uint64_t hostile_percent) {
  ChurnPlan out;
  out.nodes = 60;
  out.hostile_percent = hostile_percent;
  out.warm_up = 90min;
  out.key_age = 60min;
  out.span = 20min;
  out.keys = 60;
  out.gets = 400;
  out.copies = 10;  // so that somebody is left who has had nothing to do with a key
  return out;
}

}  // namespace

TEST_CASE("dht model: a ratio knows where the true one lies") {
  Ratio ratio{.hits = 10, .tries = 100};
  CHECK(ratio.interval().low == doctest::Approx(0.05522914));
  CHECK(ratio.interval().high == doctest::Approx(0.17436566));
  ratio = {.hits = 100'000, .tries = 100'000};
  CHECK(ratio.interval().low > 0.99996);
  CHECK(ratio.interval().high == doctest::Approx(1));
  CHECK(Ratio{}.interval().high == 1);
}

TEST_CASE("dht model: what is due at one moment happens in the order in which it was noted") {
  Agenda agenda;
  std::vector<int> seen;
  const base::Instant begin = agenda.now();
  agenda.after(2s, [&] { seen.push_back(3); });
  agenda.after(1s, [&] { seen.push_back(1); });
  agenda.after(1s, [&] {
    seen.push_back(2);
    agenda.at(begin, [&] { seen.push_back(20); });  // the past is now
  });
  agenda.after(9s, [&] { seen.push_back(4); });
  agenda.run_until(begin + 5s);
  CHECK(seen == std::vector{1, 2, 20, 3});
  CHECK(agenda.now() == begin + 5s);
}

TEST_CASE("dht model: nodes of a swarm meet, put and get, and what one holds outlives its session") {
  Swarm swarm({.copies = 8, .loss_percent = 0, .seed = 3});
  for (int i = 0; i < 40; ++i) {
    const Member who = swarm.add(Conduct::honest);
    swarm.agenda().after(i * 1s, [&swarm, who] { swarm.start(who); });
  }
  swarm.agenda().run_until(swarm.agenda().now() + 10min);
  CHECK(swarm.ready(39));
  CHECK(swarm.table(39).size() > 20);

  std::optional<Swarm::Put> put;
  swarm.put(0, {1, 2, 3}, [&](const Swarm::Put& done) { put = done; });
  swarm.agenda().run_until(swarm.agenda().now() + 1min);
  REQUIRE(put.has_value());
  CHECK(put->acknowledged);
  std::vector<Member> holders;
  for (Member who = 0; who < swarm.size(); ++who)
    if (swarm.holds(who, put->key)) holders.push_back(who);
  CHECK(holders.size() >= 8);

  SUBCASE("whoever does not hold it finds it") {
    Member asker = 0;
    while (swarm.holds(asker, put->key)) ++asker;
    std::optional<Swarm::Got> got;
    swarm.get(asker, put->key, [&](const Swarm::Got& done) { got = done; });
    swarm.agenda().run_until(swarm.agenda().now() + 1min);
    REQUIRE(got.has_value());
    CHECK(got->found);
    CHECK(got->asked >= 1);
  }
  SUBCASE("a node that comes back has it, one that is gone has not") {
    swarm.stop(holders[0]);
    swarm.stop(holders[1]);
    swarm.retire(holders[1]);
    swarm.start(holders[0]);
    swarm.agenda().run_until(swarm.agenda().now() + 1min);
    CHECK(swarm.ready(holders[0]));
    CHECK(swarm.holds(holders[0], put->key));
    CHECK_FALSE(swarm.holds(holders[1], put->key));
  }
  SUBCASE("what its node has published comes again, from a node that was away as well") {
    // A node near a key is one of its holders; this one puts until it is not.
    for (std::uint8_t value = 4; swarm.holds(0, put->key) && value < 50; ++value) {
      put.reset();
      swarm.put(0, {value}, [&](const Swarm::Put& done) { put = done; });
      swarm.agenda().run_until(swarm.agenda().now() + 1min);
      REQUIRE(put.has_value());
    }
    REQUIRE_FALSE(swarm.holds(0, put->key));
    swarm.stop(0);
    for (Member who = 1; who < swarm.size(); ++who) {
      if (!swarm.holds(who, put->key)) continue;
      if (swarm.up(who)) swarm.stop(who);
      swarm.retire(who);
    }
    const auto held = [&] {
      std::size_t out = 0;
      for (Member who = 0; who < swarm.size(); ++who) out += swarm.holds(who, put->key) ? 1 : 0;
      return out;
    };
    CHECK(held() == 0);
    swarm.start(0);
    swarm.agenda().run_until(swarm.agenda().now() + 23h);
    CHECK(held() >= 8);
  }
}

TEST_CASE("dht model: while nodes come and go values are found, by nodes that had nothing to do with them") {
  const Churned honest = churn(small(0));
  CHECK(honest.keys >= 58);
  CHECK(honest.found.tries >= 390);
  CHECK(honest.found.value() >= 0.99);
  CHECK(honest.sessions > 100);
  CHECK(honest.requests_each > 0);
  const Churned hostile = churn(small(20));
  CHECK(hostile.found.value() >= 0.95);
  CHECK(hostile.requests_each > honest.requests_each);
}

TEST_CASE("dht model: the same seed gives the same network") {
  ChurnPlan plan = small(10);
  plan.warm_up = 30min;
  plan.key_age = 15min;
  plan.gets = 100;
  const Churned one = churn(plan);
  const Churned other = churn(plan);
  CHECK(one.requests == other.requests);
  CHECK(one.found.hits == other.found.hits);
  plan.seed = 2;
  CHECK(churn(plan).requests != one.requests);
}

TEST_CASE("dht model: each defence makes it dearer to hide a key") {
  Eclipse game(300, 20, 5);
  const Defences none{false, false, false};
  CHECK(game.hide(none, {.ids = 1, .groups = 1}).hits == 0);
  CHECK(game.hide(none, {.ids = 64, .groups = 64}).hits >= 15);
  const Defences all;
  CHECK(game.hide(all, {.ids = kContactsMax, .groups = kContactsMax}).hits == 0);  // issue 5, part 9
  CHECK(game.hide(all, {.ids = 200, .groups = 3}).hits == 0);
}

TEST_CASE("dht model: a flood from few address groups takes few places of a table") {
  Eclipse game(300, 2, 5);
  const Budget budget{.ids = 2'000, .groups = 5};
  const Flood open = game.flood(false, false, budget);
  CHECK(open.false_ones * 2 > open.contacts);
  const Flood limited = game.flood(true, false, budget);
  CHECK(limited.false_ones <= 3 * budget.groups);
  CHECK(limited.false_ones > 0);
  CHECK(game.flood(true, true, budget).false_ones <= limited.false_ones);
}

TEST_CASE("dht model: more copies, and a shorter period, let more records survive") {
  SurvivalPlan plan;
  plan.nodes = 100;
  plan.records = 20;
  plan.probes = 1'000;
  plan.weeks = 24h * 10;
  plan.copies = 3;
  const double few = survive(plan).found.value();
  plan.copies = 12;
  const double many = survive(plan).found.value();
  CHECK(many > few);
  CHECK(many > 0.99);
  plan.comes_back = false;
  CHECK(survive(plan).found.value() < 0.5);  // sessions of an hour, published again after 22
  plan.republish = 1h;
  CHECK(survive(plan).found.value() > 0.9);
}
