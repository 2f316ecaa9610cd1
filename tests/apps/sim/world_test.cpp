// Whole nodes in a simulated world.
#include "apps/sim/world.hpp"

#include <doctest/doctest.h>

#include "actors/peers/api.hpp"

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;

bool all_serve(const World& world) {
  for (std::size_t i = 0; i < world.size(); ++i)
    if (!world.serving(i)) return false;
  return true;
}

/// A world in which all nodes have started and found each other.
struct Found {
  explicit Found(WorldOptions options) : world(std::move(options)) {
    for (std::size_t i = 0; i < world.size(); ++i) REQUIRE(world.start(i).ok());
    REQUIRE(world.stage().run_until([&] { return all_serve(world); }, 10s));
    world.stage().run_for(60s);
  }
  World world;
};

std::uint64_t hash_of(WorldOptions options) {
  Found found(std::move(options));
  found.world.machine(2).lose_power();
  found.world.stage().run_for(30s);
  REQUIRE(found.world.start(2).ok());
  found.world.stage().run_for(60s);
  CHECK(found.world.serving(2));
  CHECK(found.world.breaks().empty());
  return found.world.stage().hash();
}

TEST_CASE("world: nodes as `troupe node` runs them find each other, and none of their actors breaks") {
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    Found found({.nodes = 3, .tls = tls});
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK_MESSAGE(found.world.health(i).state() != observe::HealthState::failing, i);
      CHECK(found.world.fabric().streams() >= 3);
    }
    CHECK(found.world.breaks().empty());
  }
}

TEST_CASE("world: mailboxes hold as much as the setting says, and as ever if it says nothing") {
  World usual({.nodes = 1});
  REQUIRE(usual.start(0).ok());
  CHECK(usual.machine(0).node().limits().mailbox_max == runtime::NodeLimits{}.mailbox_max);
  World small({.nodes = 2, .settings = {{"actors.mailbox_max", "77"}}});
  for (std::size_t i = 0; i < 2; ++i) {
    REQUIRE(small.start(i).ok());
    CHECK(small.machine(i).node().limits().mailbox_max == 77);
  }
}

TEST_CASE("world: a node keeps its identity over a restart, whatever ended it") {
  Found found({.nodes = 3});
  const auto before = found.world.id(1);
  SUBCASE("killed") { found.world.machine(1).kill(); }
  SUBCASE("without power") { found.world.machine(1).lose_power(); }
  found.world.stage().run_for(10s);
  CHECK_FALSE(found.world.serving(1));
  REQUIRE(found.world.start(1).ok());
  REQUIRE(found.world.stage().run_until([&] { return found.world.serving(1); }, 10s));
  CHECK(found.world.id(1) == before);
  CHECK(found.world.breaks().empty());
}

TEST_CASE("world: the same seed is the same world under every policy, another seed another one") {
  for (const auto policy : {sim::Policy::fifo, sim::Policy::random, sim::Policy::pct, sim::Policy::starve}) {
    CAPTURE(sim::name(policy));
    const std::uint64_t one = hash_of({.seed = 7, .nodes = 3, .policy = policy});
    CHECK(hash_of({.seed = 7, .nodes = 3, .policy = policy}) == one);
    CHECK(hash_of({.seed = 8, .nodes = 3, .policy = policy}) != one);
  }
}

}  // namespace
}  // namespace troupe::apps
