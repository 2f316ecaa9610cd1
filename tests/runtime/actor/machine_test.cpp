// Machines: what each way of dying leaves.
#include "runtime/sim/machine.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/actor/questions.hpp"

namespace troupe::test {
namespace {

using namespace std::chrono_literals;
using bench::wire::Number;
using sim::Machine;

struct MachineWorld {
  explicit MachineWorld(std::uint64_t seed = 1) : stage(seed) {}
  sim::Stage stage;
  std::shared_ptr<sim::Fabric> fabric = sim::Fabric::make(stage);
  Machine machine{stage, fabric, 1};
};

base::Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

std::string content(sim::Disk& disk, std::string_view path) {
  const auto file = disk.open(path, ports::OpenMode::read);
  if (!file.ok()) return "no file";
  base::Bytes out(static_cast<std::size_t>(file.value()->size().value()));
  REQUIRE(file.value()->read(0, out).ok());
  return {out.begin(), out.end()};
}

TEST_CASE("machine: a killed process leaves what it wrote, a lost machine what it synced") {
  MachineWorld world;
  Machine& machine = world.machine;
  machine.boot();
  auto file = machine.disk().open("file", ports::OpenMode::create);
  REQUIRE(file.ok());
  REQUIRE(file.value()->append(bytes("synced")).ok());
  REQUIRE(file.value()->sync().ok());
  REQUIRE(machine.disk().sync_directory(".").ok());
  REQUIRE(file.value()->append(bytes(" and not")).ok());
  auto lock = machine.disk().lock("LOCK");
  REQUIRE(lock.ok());

  SUBCASE("killed") {
    machine.kill();
    CHECK(content(machine.disk(), "file") == "synced and not");
  }
  SUBCASE("without power") {
    machine.lose_power();
    CHECK(content(machine.disk(), "file").starts_with("synced"));
  }
  CHECK_FALSE(machine.up());
  CHECK(file.value()->append(bytes("from beyond")).error() == ports::DiskError::io);
  CHECK(machine.disk().lock("LOCK").ok());
}

TEST_CASE("machine: its actors end with the life, and another life has its own") {
  MachineWorld world;
  Machine& machine = world.machine;
  const auto first = machine.boot().start("count", script(successor));
  world.stage.settle();
  CHECK(machine.node().registry().size() == 1);
  SUBCASE("killed") { machine.kill(); }
  SUBCASE("without power") { machine.lose_power(); }
  world.stage.settle();
  CHECK(machine.node().registry().size() == 0);
  machine.boot().start("count", script(successor));
  world.stage.settle();
  CHECK(machine.lives() == 2);
  CHECK(machine.node().registry().size() == 1);
  CHECK(machine.node().find("/count") != first);
}

TEST_CASE("machine: a paused one does nothing until it is resumed, and then all that was asked of it") {
  MachineWorld world;
  Machine& machine = world.machine;
  int handled = 0;
  runtime::Handle asker;
  const auto counter =
      machine.boot().start("count", script([&](Scripted&, runtime::Handlers& on) {
                             on.tell<bench::wire::Latest>([&](bench::wire::Latest::Reader) { ++handled; });
                           }));
  world.stage.settle();
  machine.pause();
  for (int i = 0; i < 3; ++i) {
    const auto told = runtime::Envelope::build<bench::wire::Latest>({}, [](auto) {});
    counter->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, told), nullptr);
  }
  world.stage.run_for(1h);
  CHECK(handled == 0);
  SUBCASE("resumed") {
    machine.resume();
    world.stage.settle();
    CHECK(handled > 0);
  }
  SUBCASE("killed") {
    machine.kill();
    world.stage.settle();
    CHECK(machine.node().registry().size() == 0);
    CHECK(handled < 3);
  }
}

}  // namespace
}  // namespace troupe::test
