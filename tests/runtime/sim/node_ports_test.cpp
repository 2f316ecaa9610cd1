// All ports of a simulated node together.
#include "runtime/sim/node_ports.hpp"

#include <doctest/doctest.h>

#include "runtime/sim/disk.hpp"
#include "tests/runtime/os/probe.hpp"

using namespace std::chrono_literals;
namespace ports = troupe::ports;
namespace sim = troupe::sim;
using troupe::test::Probe;

TEST_CASE("node ports: two nodes of a stage reach each other and share neither clock nor chance") {
  sim::Stage stage(3);
  const auto fabric = sim::Fabric::make(stage);
  auto& disk = stage.keep<sim::Disk>();
  const ports::World one = stage.keep<sim::NodePorts>(stage, fabric, std::uint16_t{1}, disk).world();
  const ports::World two = stage.keep<sim::NodePorts>(stage, fabric, std::uint16_t{2}, disk).world();
  CHECK(two.clock.now() - one.clock.now() == 1h);
  CHECK(one.clock.wall() == two.clock.wall());
  CHECK(one.chance.seed() != two.chance.seed());
  CHECK_FALSE(one.threads.real());

  Probe door(stage.system());
  Probe caller(stage.system());
  const auto listener = two.network.listen({"10.0.0.2", 4000}, door.actor());
  REQUIRE(listener.ok());
  one.network.dial({"10.0.0.2", 4000}, one.clock.now() + 1s, 1, caller.actor());
  CHECK(stage.run_until([&] { return door.accepted() == 1 && caller.dialled() == 1; }, 1s));
}

TEST_CASE("node ports: ports that a stage keeps outlive the actors that use them while they end") {
  struct Sleepy {
    ports::Clock& clock;
    troupe::runtime::Handle self;
    ~Sleepy() { clock.forget(self); }
  };
  sim::Stage stage(3);
  auto& disk = stage.keep<sim::Disk>();
  auto& node = stage.keep<sim::NodePorts>(stage, sim::Fabric::make(stage), std::uint16_t{1}, disk);
  Probe sleeper(stage.system());
  auto held = std::make_shared<Sleepy>(Sleepy{node.clock(), sleeper.actor()});
  node.clock().wake(sleeper.actor(), node.clock().now() + 1h);
  stage.after(2h, [held] {});
  held = nullptr;
  CHECK(node.clock().sleepers() == 1);
}
