// What faults do to a world: how they overlap, when they count as fired, and that nothing of them is left in the end.
#include "apps/sim/faults.hpp"

#include <doctest/doctest.h>

#include "messages/codec.hpp"
#include "messages/store.capnp.h"
#include "runtime/sim/workload.hpp"

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
  bool may_go_back = true;
  std::vector<std::size_t> died;
  std::vector<std::string> told;
  World world{{.nodes = 3}};
  Keeper keeper{world, {[this](std::size_t node) { died.push_back(node); }, [](std::size_t, const std::string&) {}}};
  Faults faults{world,
                keeper,
                scenario,
                {"/packs/"},
                [this](std::string line) { told.push_back(std::move(line)); },
                [this](std::size_t) { return may_go_back; }};
};

/// Something that lasts from 20 s to 60 s, and for one second of it a second time.
std::vector<sim::Fault> twice(sim::FaultKind what, std::int64_t amount, std::int64_t other_amount) {
  return {{.what = what, .at = 20s, .span = 40s, .node = 1, .other = 2, .amount = amount},
          {.what = what, .at = 25s, .span = 1s, .node = 1, .other = 2, .amount = other_amount}};
}

TEST_CASE("faults: those that overlap act together, and what is left of them ends with the last") {
  using Acts = std::function<bool(Struck&)>;
  std::vector<sim::Fault> what;
  Acts one, both;  // whether the first does, and whether the second does, too
  const auto arrives = [](Struck& world, std::size_t bytes) {
    base::Bytes piece(bytes);
    const auto from = world.world.machine(1).address(), to = world.world.machine(2).address();
    return world.world.fabric().depart(from, to, 0s, piece) - world.world.stage().now();
  };
  const auto op_takes = [](Struck& world) {
    world.disk(1).take_owed();
    static_cast<void>(world.disk(1).list("."));
    return world.disk(1).take_owed();
  };
  SUBCASE("pause") {
    what = twice(pause, 0, 0);
    one = both = [](Struck& world) {
      const auto ran = std::make_shared<bool>(false);  // it may run long after this
      world.world.inside(1, [ran](sim::Nodes::Inside&) { *ran = true; });
      world.world.stage().run_for(10ms);
      return !*ran;
    };
  }
  SUBCASE("slow") {
    what = twice(slow, 50'000, 50'000);
    const auto waits = [](Struck& world, base::Duration rest) {
      const auto ran = std::make_shared<int>(0);
      for (int i = 0; i < 2; ++i) {
        world.world.inside(1, [ran](sim::Nodes::Inside&) { ++*ran; });
        world.world.stage().run_for(2ms);
      }
      world.world.stage().run_for(rest - 4ms);
      const bool waited = *ran < 2;
      world.world.stage().run_for(200ms);
      return waited && *ran == 2;
    };
    one = [=](Struck& world) { return waits(world, 49ms); };
    both = [=](Struck& world) { return waits(world, 99ms); };
  }
  SUBCASE("clock-off") {
    what = twice(clock_off, 86'400'000, -3'600'000);
    const auto ahead = [](Struck& world) {
      return world.world.machine(1).ports().clock().wall() - world.world.machine(0).ports().clock().wall();
    };
    one = [=](Struck& world) { return ahead(world) > 22h && ahead(world) < 25h; };
    both = [=](Struck& world) { return ahead(world) > 22h && ahead(world) < 23h + 30min; };
  }
  SUBCASE("clog") {
    what = twice(clog, 2'000'000, 1'000'000);
    one = [=](Struck& world) { return arrives(world, 1) >= 2s; };
    both = [=](Struck& world) { return arrives(world, 1) >= 3s; };
  }
  SUBCASE("narrow") {
    what = twice(narrow, 20'000, 2'000);
    one = [=](Struck& world) { return arrives(world, 1'000) >= 50ms; };
    both = [=](Struck& world) { return arrives(world, 1'000) >= 500ms; };
  }
  SUBCASE("disk-full") {
    what = twice(disk_full, 100'000, 10'000);
    one = [](Struck& world) { return world.disk(1).free_bytes().value() <= 100'000; };
    both = [](Struck& world) { return world.disk(1).free_bytes().value() <= 10'000; };
  }
  SUBCASE("disk-slow") {
    what = twice(disk_slow, 20'000, 10'000);
    one = [=](Struck& world) { return op_takes(world) >= 20ms; };
    both = [=](Struck& world) { return op_takes(world) >= 30ms; };
  }
  for (const bool end : {false, true}) {
    CAPTURE(end);
    Struck world(what);
    world.run_until(19s);
    CHECK_FALSE(one(world));
    world.run_until(21s);
    CHECK(one(world));
    CHECK((what.front().what == pause || !both(world)));
    world.run_until(25'100ms);
    CHECK(both(world));
    world.run_until(35s);
    CHECK(one(world));
    CHECK((what.front().what == pause || !both(world)));
    if (end) world.faults.end();
    world.run_until(end ? 40s : 61s);
    CHECK_FALSE(one(world));
  }
}

TEST_CASE("faults: a pause ends with the life of its node, and takes nothing from the pause of the next life") {
  Struck world({{.what = pause, .at = 20s, .span = 20s, .node = 1},
                {.what = kill, .at = 25s, .span = 2s, .node = 1},
                {.what = pause, .at = 35s, .span = 20s, .node = 1}});
  int ran = 0;
  const auto runs = [&] {
    const int before = ran;
    world.world.inside(1, [&](sim::Nodes::Inside&) { ++ran; });
    world.world.stage().run_for(10ms);
    return ran > before;
  };
  world.run_until(21s);
  CHECK_FALSE(runs());
  world.run_until(30s);
  CHECK(runs());
  world.run_until(45s);
  CHECK_FALSE(runs());
  world.run_until(56s);
  CHECK(runs());
}

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

TEST_CASE("faults: what is planned has fired when it hits something, and not before") {
  constexpr std::chrono::seconds kCalm{42};  // no timer of an idle node is due then
  std::vector<sim::Fault> what;
  std::function<void(Struck&)> meets;
  const auto uses = [](auto operation) {
    return [operation](Struck& world) {
      const auto file = world.disk(1).open("f", ports::OpenMode::append).value();
      operation(*file);
    };
  };
  std::array<std::uint8_t, 4> bytes{};
  SUBCASE("disk-read") {
    what = {{.what = disk_read, .at = kCalm, .node = 1, .amount = 0}};
    meets = uses([&](ports::File& file) { CHECK_FALSE(file.read(0, bytes).ok()); });
  }
  SUBCASE("disk-write") {
    what = {{.what = disk_write, .at = kCalm, .node = 1, .amount = 0}};
    meets = uses([&](ports::File& file) { CHECK_FALSE(file.append(bytes).ok()); });
  }
  SUBCASE("disk-sync") {
    what = {{.what = disk_sync, .at = kCalm, .node = 1, .amount = 0}};
    meets = uses([&](ports::File& file) { CHECK_FALSE(file.sync().ok()); });
  }
  SUBCASE("flip") {
    what = {{.what = flip, .at = kCalm, .node = 1, .other = 2}};
    meets = [](Struck& world) {
      base::Bytes piece(4, 0);
      const auto from = world.world.machine(1).address(), to = world.world.machine(2).address();
      static_cast<void>(world.world.fabric().depart(from, to, 0s, piece));
      CHECK(piece != base::Bytes(4, 0));
    };
  }
  SUBCASE("break-actor") {
    what = {{.what = break_actor, .at = kCalm, .node = 1, .amount = 1}};
    meets = [](Struck& world) {
      world.world.stage().run_for(20s);
      CHECK(world.world.breaks().size() == 1);
    };
  }
  SUBCASE("power") {
    what = {{.what = power, .at = kCalm, .span = 1min, .node = 1, .amount = 200}};
    meets = [](Struck& world) {
      world.world.stage().run_for(2s);
      CHECK_FALSE(world.keeper.up(1));
    };
  }
  for (const bool end : {false, true}) {
    CAPTURE(end);
    Struck world(what);
    world.run_until(kCalm);
    CHECK(world.fired(what[0].what) == 0);
    CHECK(world.told.empty());
    if (end) {
      world.faults.end();
    } else {
      meets(world);
      CHECK(world.told.size() == 1);
    }
    world.run_until(90s);
    CHECK(world.fired(what[0].what) == (end ? 0 : 1));
    CHECK(world.faults.device_failed(1) == (!end && text(what[0]).starts_with("disk-")));
    if (!end) continue;
    CHECK(world.world.breaks().empty());
    base::Bytes piece(4, 0);
    static_cast<void>(world.world.fabric().depart(sim::address_of(2), sim::address_of(3), 0s, piece));
    CHECK(piece == base::Bytes(4, 0));
  }
}

TEST_CASE("faults: what finds nothing to hit has not fired") {
  Struck idle({{.what = reset, .at = 0s, .node = 1, .other = 2},  // no streams yet
               {.what = half_open, .at = 0s, .node = 1, .other = 2},
               {.what = disk_read, .at = 20s, .node = 1, .amount = 1'000'000},
               {.what = flip, .at = 20s, .node = 0, .other = 2},
               {.what = kill, .at = 20s, .span = 1h, .node = 0},
               {.what = break_actor, .at = 21s, .node = 0, .amount = 1},
               {.what = power, .at = 21s, .span = 1s, .node = 0}});
  idle.run_until(60s);
  for (const auto what : {reset, half_open, disk_read, break_actor, power}) {
    CAPTURE(sim::spec(what).name);
    CHECK(idle.fired(what) == 0);
  }
  CHECK(idle.fired(kill) == 1);
  CHECK_FALSE(idle.faults.device_failed(1));
}

TEST_CASE("faults: of two failures of power that are planned together one fires") {
  Struck world({{.what = power, .at = 20s, .span = 10s, .node = 1, .amount = 0},
                {.what = power, .at = 20s, .span = 10s, .node = 1, .amount = 0}});
  world.run_until(28s);
  CHECK(world.fired(power) == 1);
  CHECK(world.died == std::vector<std::size_t>{1});
}

TEST_CASE("faults: a removed directory refuses writes and fails health, then the node starts on an empty disk") {
  Struck world({{.what = disk_gone, .at = 20s, .span = 30s, .node = 1}});
  world.run_until(19s);
  REQUIRE(world.world.serving(1));
  const auto before = world.world.id(1);
  world.run_until(26s);
  CHECK(world.fired(disk_gone) == 1);
  CHECK(world.faults.lost_data(1));
  CHECK(world.keeper.up(1));
  CHECK(world.disk(1).open("f", ports::OpenMode::create).error() == ports::DiskError::gone);
  std::optional<base::Error> refused;
  world.world.inside(1, [&](sim::Nodes::Inside& actor) {
    actor.ask<store::wire::Commit, messages::wire::Nothing>(
        actor.node().find("/store"), actor.now() + 5s,
        [](store::wire::Commit::Builder out) {
          auto row = out.initRows(1)[0];
          row.setKeyspace("test");
          row.getValue().initPut(1);
        },
        [&](const runtime::Answer<messages::wire::Nothing>& answer) {
          if (!answer.ok()) refused = answer.error();
        });
  });
  world.run_until(30s);
  REQUIRE(refused.has_value());
  CHECK(refused->code == base::Code::unavailable);
  CHECK(world.world.health(1).state() == observe::HealthState::failing);
  CHECK(world.world.health(0).state() != observe::HealthState::failing);
  SUBCASE("after its time") { world.run_until(51s); }
  SUBCASE("when all faults end") { world.faults.end(); }
  world.run_until(60s);
  CHECK(world.world.serving(1));
  CHECK(world.world.id(1) != before);
  CHECK(world.world.health(1).state() != observe::HealthState::failing);
}

TEST_CASE("faults: a node whose log was cut fails health until it has an empty disk") {
  for (const std::int64_t left : {0, 500, 999}) {
    CAPTURE(left);
    Struck world({{.what = disk_cut, .at = 20s, .span = 2s, .node = 1, .amount = left}});
    world.run_until(19s);
    REQUIRE(world.world.serving(1));
    const auto before = world.world.id(1);
    world.run_until(50s);
    CHECK(world.fired(disk_cut) == 1);
    CHECK(world.faults.lost_data(1));
    CHECK(world.keeper.up(1));
    CHECK(world.world.health(1).state() == observe::HealthState::failing);
    CHECK(world.world.id(1) == before);
    world.run_until(60s);
    CHECK(world.world.serving(1));
    CHECK(world.world.health(1).state() != observe::HealthState::failing);
    CHECK(world.world.id(1) != before);
  }
}

TEST_CASE("faults: a node goes back to an older copy of its disk, and keeps its identity") {
  Struck world({{.what = disk_older, .at = 20s, .span = 10s, .node = 1}});
  const auto has = [&](std::string_view file) { return world.disk(1).open(file, ports::OpenMode::read).ok(); };
  const auto write = [&](std::string_view file) {
    REQUIRE(world.disk(1).open(file, ports::OpenMode::create).value()->sync().ok());
    REQUIRE(world.disk(1).sync_directory(".").ok());
  };
  world.run_until(19s);
  write("before");
  const auto before = world.world.id(1);
  world.run_until(21s);
  write("after");
  CHECK(world.fired(disk_older) == 0);
  bool back = true;
  SUBCASE("after half of its time") {}
  SUBCASE("unless the workload relies on what it has") { world.may_go_back = back = false; }
  SUBCASE("unless the faults have ended") {
    world.faults.end();
    back = false;
  }
  world.run_until(26s);
  CHECK(world.fired(disk_older) == (back ? 1 : 0));
  CHECK(world.faults.lost_data(1) == back);
  CHECK(world.faults.went_back(1) == back);
  CHECK(world.keeper.up(1) == !back);
  world.run_until(40s);
  CHECK(world.world.serving(1));
  CHECK(world.world.id(1) == before);
  CHECK(has("before"));
  CHECK(has("after") == !back);
}

}  // namespace
}  // namespace troupe::apps
