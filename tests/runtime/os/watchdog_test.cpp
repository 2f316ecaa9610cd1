// Handlers that do not return, on real threads. A handler stays where it is until the test has seen what it waits for;
// only a broken watchdog reaches the bound.
#include "runtime/os/watchdog.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "messages/bench.capnp.h"
#include "messages/common.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/external_actor.hpp"
#include "runtime/os/disk.hpp"
#include "runtime/os/system.hpp"

namespace troupe::os {
namespace {

using namespace std::chrono_literals;
using bench::wire::Number;
using runtime::Alarm;
using runtime::Handle;

constexpr auto kBound = 30s;

bool until(const std::function<bool()>& claim) {
  const auto end = std::chrono::steady_clock::now() + kBound;
  while (!claim() && std::chrono::steady_clock::now() < end) ::poll(nullptr, 0, 1);
  return claim();
}

/// Where an actor stays in a handler, and what it has done.
struct Gate {
  std::atomic<bool> open{false};
  std::atomic<int> entered{0};
  std::atomic<int> left{0};

  void pass() {
    ++entered;
    until([this] { return open.load(); });
    ++left;
  }
};

/// Stays at the gate for each number, or, if it is zero, in a timer.
class Stuck final : public runtime::Actor {
 public:
  struct Tick {};
  explicit Stuck(Gate& gate) : gate_(gate) {}
  void receive(runtime::Handlers& on) override {
    on.tell<Number>([this](Number::Reader told) {
      if (told.getValue() == 0) after<Tick>(0s);
      else gate_.pass();
    });
    on.timer<Tick>([this] { gate_.pass(); });
  }

 private:
  Gate& gate_;
};

class Parent final : public runtime::Actor {
 public:
  Parent(Gate& gate, ports::Placement placement, std::atomic<bool>& ready)
      : gate_(gate), placement_(placement), ready_(ready) {}
  void receive(runtime::Handlers&) override {}
  void start() override {
    spawn("stuck", [this] { return std::make_unique<Stuck>(gate_); }, {.kind = "stuck", .placement = placement_});
    ready_ = true;
  }

 private:
  Gate& gate_;
  const ports::Placement placement_;
  std::atomic<bool>& ready_;
};

class Scene {
 public:
  explicit Scene(ports::Placement placement = ports::Placement::shared) {
    system.node().start("parent", [this, placement] { return std::make_unique<Parent>(gate, placement, ready_); });
    REQUIRE(until([this] { return ready_ && whom(); }));
  }
  ~Scene() {
    gate.open = true;
    CHECK(system.end(10s));
    std::filesystem::remove_all(folder_);
  }
  Handle whom() { return system.node().find("/stuck"); }
  void tell(std::uint64_t value) {
    runtime::post(whom(), runtime::Envelope::build<Number>({}, [value](Number::Builder out) { out.setValue(value); }));
  }
  runtime::Alarms& alarms() { return system.node().alarms(); }
  /// What is known of the actor's handler after a second.
  std::optional<runtime::LongTurn> long_turn() {
    const auto listing = system.node().registry().listing("/stuck");
    const auto all = system.node().long_turns();
    const auto found = std::ranges::find(all, listing->record.get(), &runtime::LongTurn::record);
    if (found == all.end()) return std::nullopt;
    return *found;
  }

 private:
  static std::string make_folder() {
    std::string path = (std::filesystem::temp_directory_path() / "troupe-watchdog-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    return path;
  }
  std::string folder_ = make_folder();
  std::atomic<bool> ready_{false};

 public:
  Gate gate;
  System system{open_disk(folder_).value(), {.workers = 2, .sockets = folder_, .limits = {}, .watched = true}};
};

TEST_CASE("watchdog: a handler that keeps a shared thread sounds one alarm, with its actor and kind") {
  Scene scene;
  scene.tell(1);
  REQUIRE(until([&] { return scene.alarms().count(Alarm::slow_handler) > 0; }));
  auto all = scene.alarms().since({});
  REQUIRE(all.size() == 1);
  CHECK(all[0].subject == "/stuck");
  CHECK(all[0].what == messages::kind_of<Number>().name);
  CHECK(all[0].worst >= runtime::kSlowHandler);
  SUBCASE("which grows worse as long as it lasts, and stays one") {
    REQUIRE(until([&] { return scene.alarms().since({}).at(0).worst >= 4 * runtime::kSlowHandler; }));
    CHECK(scene.alarms().count(Alarm::slow_handler) == 1);
    CHECK(scene.alarms().since({}).at(0).times == 1);
    scene.gate.open = true;
    REQUIRE(until([&] { return scene.gate.left == 1; }));
  }
  SUBCASE("the next slow one is another") {
    scene.gate.open = true;
    REQUIRE(until([&] { return scene.gate.left == 1; }));
    scene.gate.open = false;
    scene.tell(2);
    REQUIRE(until([&] { return scene.alarms().count(Alarm::slow_handler) == 2; }));
    all = scene.alarms().since({});
    REQUIRE(all.size() == 1);
    CHECK(all[0].times == 2);
  }
}

TEST_CASE("watchdog: a timer that keeps a shared thread is called one") {
  Scene scene;
  scene.tell(0);
  REQUIRE(until([&] { return scene.alarms().count(Alarm::slow_handler) > 0; }));
  const auto all = scene.alarms().since({});
  REQUIRE(all.size() == 1);
  CHECK(all[0].subject == "/stuck");
  CHECK(all[0].what == "a timer");
}

TEST_CASE("watchdog: a message in its handler for over a second is among the long turns, until it is done") {
  bool own_thread = false;
  SUBCASE("of a shared thread") {}
  SUBCASE("of an actor with a thread of its own, which may block and sounds no alarm") { own_thread = true; }
  Scene scene(own_thread ? ports::Placement::own_thread : ports::Placement::shared);
  const base::Instant began = scene.system.world().clock.now();
  CHECK_FALSE(scene.long_turn().has_value());
  scene.tell(1);
  REQUIRE(until([&] { return scene.long_turn().has_value(); }));
  const auto seen = *scene.long_turn();
  CHECK(seen.kind == &messages::kind_of<Number>());
  CHECK(seen.since >= began);
  CHECK(scene.system.world().clock.now() - seen.since >= Watchdog::kStuck);
  CHECK((scene.alarms().count(Alarm::slow_handler) == 0) == own_thread);
  scene.gate.open = true;
  REQUIRE(until([&] { return scene.gate.left == 1 && !scene.long_turn().has_value(); }));
}

TEST_CASE("watchdog: many short handlers one after the other are no slow one") {
  Scene scene;
  scene.gate.open = true;
  const auto end = std::chrono::steady_clock::now() + 500ms;
  int told = 0;
  while (std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 100; ++i, ++told) scene.tell(1);
    REQUIRE(until([&] { return scene.gate.left == told; }));
  }
  CHECK_FALSE(scene.long_turn().has_value());
}

}  // namespace
}  // namespace troupe::os
