// What faults of a machine do to the actors of its node: a slow device, failing power, breaks, rests. How machines die
// and come back otherwise: machine_test.cpp.
#include <doctest/doctest.h>

#include "runtime/sim/machine.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/store/disks.hpp"

namespace troupe::test {
namespace {

using namespace std::chrono_literals;
using bench::wire::Latest;
using bench::wire::Number;
using ports::OpenMode;
using sim::Machine;

/// Two machines of a stage. Questions are posed on the second, so that only answers are touched by faults of the first.
struct FaultyWorld {
  explicit FaultyWorld(std::uint64_t seed = 1) : stage(seed) {
    machine.boot();
    other.boot();
  }
  sim::Stage stage;
  std::shared_ptr<sim::Fabric> fabric = sim::Fabric::make(stage);
  Machine machine{stage, fabric, 1};
  Machine other{stage, fabric, 2};

  /// Runs `what` in an actor of its own on a machine.
  static runtime::Handle inside(Machine& where, const std::string& name, std::function<void(Scripted&)> what) {
    return where.node().start(name, script({}, std::move(what)));
  }
};

/// What an actor that asked one after the other was told, and when.
struct Told {
  std::vector<std::uint64_t> answers;
  std::vector<base::Code> refusals;
  base::Instant at;
  std::function<void(Scripted&)> ask(const runtime::Handle& whom, std::uint64_t value, sim::Stage& stage) {
    return [this, whom, value, &stage](Scripted& self) {
      self.ask<Number, Number>(whom, self.now() + 1h, number(value), [this, &stage](runtime::Answer<Number> answer) {
        at = stage.now();
        if (answer.ok()) answers.push_back(answer.value().getValue());
        else refusals.push_back(answer.error().code);
      });
    };
  }
};

/// Appends each number to a file, syncs, and answers with it.
runtime::Factory keeper_on_disk(int* handled = nullptr) {
  return script([handled](Scripted& self, runtime::Handlers& on) {
    on.ask<Number, Number>([&self, handled](Number::Reader question, runtime::Reply<Number> reply) {
      if (handled != nullptr) ++*handled;
      ports::Disk& disk = self.node().world().disk;
      auto file = disk.open("numbers", OpenMode::append);
      if (!file.ok()) return reply.refuse({base::Code::unavailable, "open"});
      const std::string line = std::to_string(question.getValue()) + ";";
      auto done = file.value()->append(base::as_bytes(line));
      if (done.ok()) done = file.value()->sync();
      if (done.ok()) done = disk.sync_directory(".");
      if (!done.ok()) return reply.refuse({base::Code::unavailable, "write"});
      reply.send(number(question.getValue()));
    });
  });
}

TEST_CASE("machine: with the power failing at any operation, what was answered is there after the next boot") {
  int fired = 0, answered = 0;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    for (std::uint64_t operation = 0; operation < 14; ++operation) {
      CAPTURE(operation);
      FaultyWorld world(seed);
      const auto store = world.machine.node().start("store", keeper_on_disk());
      world.stage.settle();
      bool lost = false;
      world.machine.lose_power_at(operation, [&] {
        CHECK_FALSE(world.machine.up());
        lost = true;
      });
      Told told;
      for (std::uint64_t i = 0; i < 4; ++i)
        FaultyWorld::inside(world.other, "asker" + std::to_string(i), told.ask(store, i, world.stage));
      world.stage.run_for(1s);
      CHECK(lost == (operation < 13));  // one file is made, and three changes a number
      CHECK(told.answers.size() == std::min<std::uint64_t>(operation == 0 ? 0 : (operation - 1) / 3, 4));
      if (!lost) world.machine.lose_power();
      fired += lost ? 1 : 0;
      world.machine.boot();
      const std::string left = told.answers.empty() ? "" : contents(world.machine.disk(), "numbers");
      for (const std::uint64_t number : told.answers) CHECK(left.find(std::to_string(number) + ";") != left.npos);
      for (const base::Code code : told.refusals) CHECK(code != base::Code::internal);
      answered += static_cast<int>(told.answers.size());
    }
  }
  CHECK(fired == 8 * 13);
  CHECK(answered > 0);
}

TEST_CASE("machine: what a handler sent before the power failed in it is discarded as well") {
  FaultyWorld world;
  int heard = 0;
  const auto ear = world.other.node().start(
      "ear", script([&](Scripted&, runtime::Handlers& on) { on.tell<Latest>([&](Latest::Reader) { ++heard; }); }));
  const auto speaker = [&](Scripted& self) {
    self.tell<Latest>(ear, number(1));
    static_cast<void>(self.node().world().disk.make_directory("d"));
    self.tell<Latest>(ear, number(2));
  };
  SUBCASE("the power fails") {
    world.machine.lose_power_at(0, {});
    FaultyWorld::inside(world.machine, "speaker", speaker);
    world.stage.run_for(1s);
    CHECK(heard == 0);
    CHECK_FALSE(world.machine.up());
  }
  SUBCASE("it does not yet") {
    world.machine.lose_power_at(1, {});
    FaultyWorld::inside(world.machine, "speaker", speaker);
    world.stage.run_for(1s);
    CHECK(heard >= 1);
    CHECK(world.machine.up());
  }
}

TEST_CASE("machine: power that failed outside of any handler is lost when the process is ended for it") {
  FaultyWorld world;
  int calls = 0;
  world.machine.lose_power_at(0, [&] { ++calls; });
  CHECK(world.machine.ports().world().disk.make_directory("d").error() == ports::DiskError::io);
  world.machine.kill();
  CHECK(calls == 1);
  CHECK_FALSE(world.machine.disk().halted());
  world.machine.boot();
  CHECK(world.machine.disk().make_directory("d").ok());
  world.machine.lose_power_at(0, [&] { ++calls; });
  world.machine.lose_power();  // another crash takes the place of the plan
  CHECK(calls == 1);
  CHECK_FALSE(world.machine.disk().halting());
}

TEST_CASE("machine: an actor that uses a slow device answers when it has done, and handles nothing meanwhile") {
  FaultyWorld world;
  int handled = 0;
  const auto store = world.machine.node().start("store", keeper_on_disk(&handled));
  const auto quick = world.machine.node().start("quick", script(successor));
  world.stage.settle();
  world.machine.disk().slow(10ms);
  const base::Instant begin = world.stage.now();
  Told slow, next, fast;
  FaultyWorld::inside(world.other, "slow", slow.ask(store, 1, world.stage));
  world.stage.settle();
  FaultyWorld::inside(world.other, "next", next.ask(store, 2, world.stage));
  FaultyWorld::inside(world.other, "fast", fast.ask(quick, 3, world.stage));
  world.stage.run_for(39ms);
  CHECK(handled == 1);
  CHECK(slow.answers.empty());
  CHECK(fast.answers == std::vector<std::uint64_t>{4});
  CHECK(fast.at == begin);
  SUBCASE("it goes on") {
    world.stage.run_for(1s);
    CHECK(slow.answers == std::vector<std::uint64_t>{1});
    CHECK(slow.at == begin + 40ms);
    CHECK(next.at == begin + 80ms);
  }
  SUBCASE("a stopped process learns of it later") {
    world.machine.pause();
    world.stage.run_for(1s);
    CHECK(slow.answers.empty());
    world.machine.resume();
    world.stage.run_for(1s);
    CHECK(slow.at == begin + 1039ms);
    CHECK(next.answers == std::vector<std::uint64_t>{2});
  }
  SUBCASE("a pause that ends before changes nothing") {
    world.machine.pause();
    world.machine.resume();
    CHECK(handled == 1);
    world.stage.run_for(1s);
    CHECK(slow.at == begin + 40ms);
    CHECK(next.at == begin + 80ms);
  }
  SUBCASE("a killed one has said nothing") {
    world.machine.kill();
    world.stage.run_for(1s);
    CHECK(slow.answers.empty());
    CHECK(next.answers.empty());
    CHECK(world.machine.node().registry().size() == 0);
  }
}

TEST_CASE("machine: a handler sees the time pass that its device takes, and nobody else does") {
  FaultyWorld world;
  std::vector<base::Duration> took;
  base::Instant seen_by_other;
  const base::Instant begin = world.machine.node().world().clock.now();
  const auto store = world.machine.node().start("store", script([&](Scripted& self, runtime::Handlers& on) {
                                                  on.tell<Number>([&](Number::Reader) {
                                                    const base::Instant before = self.now();
                                                    for (int i = 0; i < 3; ++i)
                                                      REQUIRE(self.node().world().disk.free_bytes().ok());
                                                    took.push_back(self.now() - before);
                                                    took.push_back(before - begin);
                                                  });
                                                }));
  const auto other = world.machine.node().start("quick", script([&](Scripted& self, runtime::Handlers& on) {
                                                  on.tell<Number>([&](Number::Reader) { seen_by_other = self.now(); });
                                                }));
  world.stage.settle();
  world.machine.disk().slow(400ms);
  FaultyWorld::inside(world.other, "one", [&](Scripted& self) {
    self.tell<Number>(store, number(1));
    self.tell<Number>(store, number(2));
    self.tell<Number>(other, number(3));
  });
  world.stage.run_for(1s);
  CHECK(took == std::vector<base::Duration>{1'200ms, 0ms});
  CHECK(seen_by_other == begin);
  CHECK(world.machine.node().world().clock.now() == begin + 1s);
  world.stage.run_for(1s);
  CHECK(took == std::vector<base::Duration>{1'200ms, 0ms, 1'200ms, 1'200ms});
}

TEST_CASE("machine: what two actors say to each other keeps its order while the device of one is slow") {
  FaultyWorld world;
  std::string heard;
  const auto ear =
      world.other.node().start("ear", script([&](Scripted&, runtime::Handlers& on) {
                                 on.ask<Number, Number>([&](Number::Reader said, runtime::Reply<Number> reply) {
                                   heard += std::to_string(said.getValue());
                                   reply.send(number(0));
                                 });
                               }));
  const auto mouth =
      world.machine.node().start("mouth", script([&](Scripted& self, runtime::Handlers& on) {
                                   on.ask<Number, Number>([&](Number::Reader from, runtime::Reply<Number> reply) {
                                     for (std::uint64_t i = 0; i < 3; ++i) {
                                       self.ask<Number, Number>(ear, self.now() + 100h, number(from.getValue() + i),
                                                                [](runtime::Answer<Number>) {});
                                       if (i == 1) static_cast<void>(self.node().world().disk.list("."));
                                     }
                                     reply.send(number(0));
                                   });
                                 }));
  world.stage.settle();
  world.machine.disk().slow(1ms);
  Told told;
  for (const std::uint64_t from : {0, 3})
    FaultyWorld::inside(world.other, "asker" + std::to_string(from), told.ask(mouth, from, world.stage));
  world.stage.run_for(1s);
  CAPTURE(heard);
  CHECK((heard == "012345" || heard == "345012"));
}

TEST_CASE("machine: nothing leaves an actor whose life is over, and its disk is another one") {
  FaultyWorld world;
  int heard = 0;
  const auto ear = world.other.node().start(
      "ear", script([&](Scripted&, runtime::Handlers& on) { on.tell<Latest>([&](Latest::Reader) { ++heard; }); }));
  std::vector<runtime::Reply<Number>> kept;
  const auto holder = world.machine.node().start("holder", script(keeper(kept)));
  world.stage.settle();
  Told told;
  FaultyWorld::inside(world.other, "asker", told.ask(holder, 1, world.stage));
  world.stage.settle();
  REQUIRE(kept.size() == 1);
  ports::Disk& old = world.machine.ports().world().disk;
  world.machine.kill();
  world.machine.boot();
  CHECK(old.open("file", OpenMode::append).error() == ports::DiskError::io);
  CHECK(world.machine.ports().world().disk.open("file", OpenMode::append).ok());
  kept.front().send(number(2));
  world.stage.run_for(1s);
  CHECK(told.answers.empty());
  CHECK(told.refusals.empty());
  kept.clear();
}

TEST_CASE("machine: who is started by an actor whose life is over ends as well") {
  FaultyWorld world;
  bool begun = false;
  world.machine.node().start("parent", script({}, [&](Scripted& self) {
                               begun = true;
                               self.spawn("child", script(successor), {});
                               self.node().start("stray", script(successor));
                             }));
  SUBCASE("killed") { world.machine.kill(); }
  SUBCASE("without power") { world.machine.lose_power(); }
  world.stage.settle();
  CHECK(begun);
  CHECK(world.machine.node().registry().size() == 0);
}

TEST_CASE("machine: the actor that takes a named message breaks as if its handler had, and is restarted") {
  FaultyWorld world;
  std::vector<std::string> why;
  world.machine.node().on_failure = [&](std::string_view path, const base::Error& error) {
    why.push_back(std::string(path) + ": " + error.message);
  };
  runtime::Handle child;
  int begun = 0;
  world.machine.node().start("parent", script({}, [&](Scripted& self) {
                               child = self.spawn("child", script(successor, [&](Scripted&) { ++begun; }), {});
                             }));
  world.stage.settle();
  world.machine.break_next(3, [](std::string_view path) { return path == "/child"; });
  Told told;
  for (std::uint64_t i = 0; i < 5; ++i) {
    FaultyWorld::inside(world.other, "asker" + std::to_string(i), told.ask(child, i, world.stage));
    world.stage.run_for(10s);
  }
  CHECK(told.answers == std::vector<std::uint64_t>{1, 2, 4, 5});
  CHECK(told.refusals == std::vector<base::Code>{base::Code::internal});
  CHECK(why == std::vector<std::string>{std::string("/child: ") + sim::kBrokenByFault});
  CHECK(begun == 2);
}

TEST_CASE("machine: a slow node rests after each span of work, or of many messages, until it is quick again") {
  FaultyWorld world;
  const auto counter = world.machine.node().start("count", script(successor));
  world.stage.settle();
  world.machine.slow(50ms);
  Told told;
  const auto ask_many = [&](const std::string& name) {
    for (std::uint64_t i = 0; i < 2 * sim::kWorkMessages; ++i)
      FaultyWorld::inside(world.other, name + std::to_string(i), told.ask(counter, i, world.stage));
    world.stage.settle();
  };
  ask_many("a");
  CHECK(told.answers.size() == sim::kWorkMessages);
  world.stage.run_for(49ms);
  CHECK(told.answers.size() == sim::kWorkMessages);
  world.stage.run_for(1ms);
  CHECK(told.answers.size() == 2 * sim::kWorkMessages);
  world.stage.run_for(1s);

  const base::Instant begin = world.stage.now();
  told = {};
  FaultyWorld::inside(world.other, "first", told.ask(counter, 1, world.stage));
  world.stage.run_for(2ms);
  CHECK(told.at == begin);
  FaultyWorld::inside(world.other, "second", told.ask(counter, 1, world.stage));
  world.stage.run_for(1s);
  CHECK(told.at == begin + sim::kWorkSpan + 50ms);

  SUBCASE("quick again") { world.machine.slow(-50ms); }
  SUBCASE("quick again, in the midst of a rest") {
    ask_many("b");
    world.machine.slow(-50ms);
    world.stage.settle();
  }
  SUBCASE("killed in the midst of a rest, slow again, and then quick") {
    ask_many("b");
    world.machine.kill();
    world.stage.settle();
    CHECK(world.machine.node().registry().size() == 0);
    world.machine.boot();
    const auto again = world.machine.node().start("count", script(successor));
    told = {};
    for (std::uint64_t i = 0; i < 2 * sim::kWorkMessages; ++i)
      FaultyWorld::inside(world.other, "c" + std::to_string(i), told.ask(again, i, world.stage));
    world.stage.settle();
    CHECK(told.answers.size() < 2 * sim::kWorkMessages);
    return;
  }
  told = {};
  ask_many("d");
  CHECK(told.answers.size() == 2 * sim::kWorkMessages);
}

TEST_CASE("machine: a pause outlasts a rest, and a rest a pause") {
  FaultyWorld world;
  int handled = 0;
  const auto counter =
      world.machine.node().start("count", script([&](Scripted&, runtime::Handlers& on) {
                                   on.ask<Number, Number>([&](Number::Reader, runtime::Reply<Number> reply) {
                                     ++handled;
                                     reply.send(number(0));
                                   });
                                 }));
  world.stage.settle();
  world.machine.slow(50ms);
  Told told;
  FaultyWorld::inside(world.other, "one", told.ask(counter, 1, world.stage));
  world.stage.run_for(2ms);
  CHECK(handled == 1);
  FaultyWorld::inside(world.other, "two", told.ask(counter, 1, world.stage));
  world.machine.pause();
  SUBCASE("the pause is longer") {
    world.stage.run_for(1s);
    CHECK(handled == 1);
    world.machine.resume();
  }
  SUBCASE("the rest is longer") {
    world.machine.resume();
    world.stage.run_for(20ms);
    CHECK(handled == 1);
    world.stage.run_for(100ms);
  }
  world.stage.settle();
  CHECK(handled == 2);
}

}  // namespace
}  // namespace troupe::test
