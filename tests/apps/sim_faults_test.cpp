// What faults do to a world: how they overlap, when they count as fired, and that nothing of them is left in the end.
#include <doctest/doctest.h>

#include "apps/sim/faults.hpp"

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;
using enum sim::FaultKind;

/// Three nodes that have started, and what happens to them; nobody asks them for anything.
struct Struck {
  explicit Struck(std::vector<sim::Fault> what) : scenario{.nodes = 3, .faults = std::move(what)} {
    for (std::size_t i = 0; i < world.size(); ++i) keeper.start_in(i, {});
    faults.schedule();
  }
  void run_until(base::Duration moment) { world.stage().run_for(moment - (world.stage().now() - base::Instant{})); }
  sim::Disk& disk(std::size_t node) { return world.machine(node).disk(); }
  std::uint64_t fired(sim::FaultKind what) const { return faults.counts()[static_cast<std::size_t>(what)].fired; }

  sim::Scenario scenario;
  std::vector<std::size_t> died;
  std::vector<std::string> told;
  World world{{.nodes = 3}};
  Keeper keeper{world, {[this](std::size_t node) { died.push_back(node); }, [](std::size_t, const std::string&) {}}};
  Faults faults{world, keeper, scenario, [this](std::string line) { told.push_back(std::move(line)); }};
};

TEST_CASE("faults: power that was to fail does so on a disk that lies, and its node is heard of and comes back") {
  Struck world({{.what = power, .at = 20s, .span = 3s, .node = 1, .amount = 0},
                {.what = disk_lie, .at = 20s, .span = 30s, .node = 1}});
  world.run_until(20s);
  REQUIRE(world.keeper.up(1));
  SUBCASE("in the midst of its work") {
    CHECK_FALSE(world.world.machine(1).node().world().disk.make_directory("d").ok());
    world.run_until(22s);
  }
  SUBCASE("idle") { world.run_until(22s); }
  SUBCASE("killed in the moment between") {
    CHECK_FALSE(world.world.machine(1).node().world().disk.make_directory("d").ok());
    world.keeper.end(1, Keeper::End::process);
    world.run_until(22s);
    CHECK_FALSE(world.keeper.up(1));
  }
  CHECK(world.died == std::vector<std::size_t>{1});
  CHECK_FALSE(world.keeper.up(1));
  world.run_until(30s);
  CHECK(world.keeper.up(1));
  world.run_until(60s);  // the lie has ended with the power
  CHECK(world.died == std::vector<std::size_t>{1});
}

TEST_CASE("faults: a disk that lies loses power with the first of two lies, or when all faults end") {
  Struck world(
      {{.what = disk_lie, .at = 20s, .span = 10s, .node = 1}, {.what = disk_lie, .at = 25s, .span = 10s, .node = 1}});
  world.run_until(26s);
  CHECK(world.died.empty());
  SUBCASE("the first of them") { world.run_until(31s); }
  SUBCASE("the end") { world.faults.end(); }
  CHECK(world.died == std::vector<std::size_t>{1});
  CHECK_FALSE(world.disk(1).lying());
  world.run_until(60s);
  CHECK(world.died == std::vector<std::size_t>{1});
}

}  // namespace
}  // namespace troupe::apps
