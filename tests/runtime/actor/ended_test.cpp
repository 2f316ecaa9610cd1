// What is kept of actors that have ended, and of faults that leave no trace in counts.
#include "runtime/actor/ended.hpp"

#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "runtime/actor/alarms.hpp"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using base::Instant;
using bench::wire::Number;
using runtime::Alarm;
using runtime::Alarms;
using runtime::Decision;
using runtime::Ended;
using runtime::Handle;
using runtime::Handlers;
using runtime::Sounded;

namespace {

/// Breaks at a number, which is its reason.
Scripted::Receive breaks() {
  return [](Scripted&, Handlers& on) {
    on.tell<Number>(
        [](Number::Reader told) { throw std::runtime_error("broke at " + std::to_string(told.getValue())); });
  };
}

const Ended* find(const std::vector<Ended>& all, std::string_view path) {
  const auto found = std::ranges::find(all, path, &Ended::path);
  return found == all.end() ? nullptr : &*found;
}

std::size_t count(const std::vector<Ended>& all, std::string_view path) {
  return static_cast<std::size_t>(std::ranges::count(all, path, &Ended::path));
}

}  // namespace

TEST_CASE("ended: the thousand latest are kept, the latest first") {
  runtime::EndedActors ended;
  CHECK(ended.list().empty());
  const auto add = [&](std::size_t number) {
    ended.add({.path = "/" + std::to_string(number), .at = Instant(std::chrono::seconds(number))});
  };
  for (std::size_t i = 0; i < runtime::kEndedMax; ++i) add(i);
  CHECK(ended.list().size() == runtime::kEndedMax);
  CHECK(ended.list().back().path == "/0");
  add(runtime::kEndedMax);
  const auto all = ended.list();
  REQUIRE(all.size() == runtime::kEndedMax);
  CHECK(all.front().path == "/1000");
  CHECK(all.back().path == "/1");
  CHECK(std::ranges::is_sorted(all, std::greater{}, &Ended::at));
  CHECK(ended.count() == runtime::kEndedMax + 1);
}

TEST_CASE("ended: the words of a reason are cut at their limit") {
  runtime::EndedActors ended;
  ended.add({.path = "/a", .why = std::string(runtime::kEndedWhyBytesMax, 'x')});
  ended.add({.path = "/b", .why = std::string(runtime::kEndedWhyBytesMax + 1, 'x')});
  for (const Ended& one : ended.list()) CHECK(one.why.size() == runtime::kEndedWhyBytesMax);
}

TEST_CASE("ended: one whose work is done has finished, with the message that it handled last") {
  ActorFixture actors;
  const Handle worker = actors.node.start("worker", script([](Scripted& self, Handlers& on) {
                                            on.tell<Number>([&self](Number::Reader told) {
                                              if (told.getValue() == 0) self.finish();
                                            });
                                          }),
                                          {.kind = "worker"});
  actors.stage.run_for(10s);
  actors.inside([&](Scripted& self) {
    for (const std::uint64_t value : {2u, 1u, 0u}) self.tell<Number>(worker, number(value));
  });
  const auto all = actors.node.ended().list();
  REQUIRE(all.size() == 1);
  CHECK(all[0].path == "/worker");
  CHECK(std::string_view(all[0].kind) == "worker");
  CHECK(all[0].decision == Decision::finished);
  CHECK(all[0].code == Code{});
  CHECK(all[0].why.empty());
  CHECK(all[0].last == &messages::kind_of<Number>());
  CHECK(all[0].handled == 3);
  CHECK(all[0].restarts == 0);
  CHECK(all[0].at == actors.node.world().clock.now());
}

TEST_CASE("ended: one that finished in its start has handled nothing") {
  ActorFixture actors;
  actors.start("brief", {}, [](Scripted& self) { self.finish(); });
  actors.stage.settle();
  const auto all = actors.node.ended().list();
  REQUIRE(all.size() == 1);
  CHECK(all[0].decision == Decision::finished);
  CHECK(all[0].last == nullptr);
  CHECK(all[0].handled == 0);
}

TEST_CASE("ended: an actor that is told to end handles first what it was sent before") {
  ActorFixture actors;
  std::vector<std::uint64_t> heard;
  const Handle top = actors.start("top", [&](Scripted&, Handlers& on) {
    on.tell<Number>([&](Number::Reader told) { heard.push_back(told.getValue()); });
  });
  actors.inside([&](Scripted& self) {
    self.tell<Number>(top, number(1));
    self.tell<Number>(top, number(2));
    self.send(top, runtime::Envelope::build<runtime::wire::Stop>({}, [](auto) {}));
  });
  CHECK(heard == std::vector<std::uint64_t>{1, 2});
  CHECK(find(actors.node.ended().list(), "/top") != nullptr);
}

TEST_CASE("ended: an actor that is told to end waits for its children, and for theirs") {
  ActorFixture actors;
  std::vector<std::string> heard;
  Handle last;
  const Handle top = actors.start("top", {}, [&](Scripted& self) {
    self.spawn("child", script({}, [&](Scripted& one) {
                 last = one.spawn("grandchild", script([&](Scripted&, Handlers& on) {
                                    on.tell<Number>([&](Number::Reader) { heard.push_back("grandchild"); });
                                  }));
               }));
  });
  Outcome asked;
  actors.start("watcher", {}, [&](Scripted& self) {
    self.on_down = [&](const Handle&, const std::optional<base::Error>&) { heard.push_back("top is gone"); };
    self.watch(top);
  });
  actors.stage.settle();
  actors.inside([&](Scripted& self) {
    self.send(top, runtime::Envelope::build<runtime::wire::Stop>({}, [](auto) {}));
    self.tell<Number>(last, number(1));
    self.ask<Number, Number>(top, self.now() + 1s, number(1), asked.note());
  });
  CHECK(heard == std::vector<std::string>{"grandchild", "top is gone"});
  CHECK(asked.calls == 1);
}

TEST_CASE("ended: a child that its parent stops, or takes along, was stopped") {
  ActorFixture actors;
  Handle child;
  Scripted* parent = nullptr;
  const Handle top = actors.start("parent", {}, [&](Scripted& self) {
    parent = &self;
    child = self.spawn("child", script(successor, [](Scripted& one) { one.spawn("grandchild", script(successor)); }));
  });
  actors.stage.settle();
  SUBCASE("by itself") {
    parent->stop_child(child);
    actors.stage.settle();
    CHECK(count(actors.node.ended().list(), "/parent") == 0);
  }
  SUBCASE("with its parent") {
    actors.inside(
        [&](Scripted& self) { self.send(top, runtime::Envelope::build<runtime::wire::Stop>({}, [](auto) {})); });
    REQUIRE(find(actors.node.ended().list(), "/parent") != nullptr);
    CHECK(find(actors.node.ended().list(), "/parent")->decision == Decision::stopped);
  }
  for (const char* path : {"/child", "/child/grandchild"}) {
    const auto all = actors.node.ended().list();
    REQUIRE(count(all, path) == 1);
    CHECK(find(all, path)->decision == Decision::stopped);
    CHECK(find(all, path)->code == Code{});
  }
}

TEST_CASE("ended: a child that waits for its restart when its parent is stopped was stopped, and not given up") {
  ActorFixture actors;
  Handle parent, child;
  actors.node.start("root", script({}, [&](Scripted& root) {
                      parent = root.spawn(
                          "parent", script({}, [&](Scripted& self) { child = self.spawn("child", script(breaks())); }));
                    }));
  actors.stage.settle();
  actors.inside([&](Scripted& self) {
    self.tell<Number>(child, number(1));
    self.send(parent, runtime::Envelope::build<runtime::wire::Stop>({}, [](auto) {}));
  });
  const auto all = actors.node.ended().list();
  REQUIRE(find(all, "/parent/child") != nullptr);
  CHECK(find(all, "/parent/child")->decision == Decision::stopped);
}

TEST_CASE("ended: a child that its supervisor restarts no more was given up, with the reason of its last failure") {
  ActorFixture actors;
  Handle child;
  runtime::SpawnOptions options{.kind = "fragile"};
  SUBCASE("because it is to be stopped when it fails") { options.on_failure = runtime::logic::OnFailure::stop; }
  SUBCASE("because it failed too often") {}
  const bool once = options.on_failure == runtime::logic::OnFailure::stop;
  runtime::SpawnOptions above;
  above.children.restarts_max = 2;
  actors.node.start(
      "root", script({}, [&](Scripted& root) {
        root.spawn("parent",
                   script({}, [&](Scripted& self) { child = self.spawn("child", script(breaks()), options); }), above);
      }));
  actors.stage.settle();
  const int breaks_max = once ? 1 : 3;
  for (int i = 1; i <= breaks_max; ++i) {
    CHECK(actors.node.ended().count() == 0);
    actors.inside([&](Scripted& self) { self.tell<Number>(child, number(static_cast<std::uint64_t>(i))); });
    actors.stage.run_for(100ms);
  }
  const auto all = actors.node.ended().list();
  const Ended* ended = find(all, "/parent/child");
  REQUIRE(ended != nullptr);
  CHECK(count(all, "/parent/child") == 1);
  CHECK(ended->decision == Decision::given_up);
  CHECK(ended->code == Code::internal);
  CHECK(ended->why == (once ? "broke at 1" : "broke at 3"));
  CHECK(ended->last == &messages::kind_of<Number>());
  CHECK(ended->handled == static_cast<std::uint64_t>(breaks_max));
  CHECK(ended->restarts == static_cast<std::uint32_t>(breaks_max - 1));
}

TEST_CASE("ended: one that broke without a supervisor was unwatched") {
  ActorFixture actors;
  const Handle alone = actors.start("alone", breaks());
  actors.inside([&](Scripted& self) { self.tell<Number>(alone, number(9)); });
  const auto all = actors.node.ended().list();
  REQUIRE(all.size() == 1);
  CHECK(all[0].decision == Decision::unwatched);
  CHECK(all[0].code == Code::internal);
  CHECK(all[0].why == "broke at 9");
}

TEST_CASE("ended: one that the system ends was killed") {
  ActorFixture actors;
  const Handle alone = actors.start("alone", successor);
  actors.stage.settle();
  caf::anon_send_exit(alone, caf::exit_reason::kill);
  actors.stage.settle();
  const auto all = actors.node.ended().list();
  REQUIRE(all.size() == 1);
  CHECK(all[0].path == "/alone");
  CHECK(all[0].decision == Decision::killed);
}

TEST_CASE("ended: one that recovered and then finished names its failure beside its own decision") {
  ActorFixture actors;
  Handle child;
  actors.start("parent", {}, [&](Scripted& parent) {
    child = parent.spawn("child", script([](Scripted& self, Handlers& on) {
                           on.tell<Number>([&self](Number::Reader told) {
                             if (told.getValue() == 0) return self.finish();
                             throw std::runtime_error("once");
                           });
                         }));
  });
  actors.stage.settle();
  actors.inside([&](Scripted& self) { self.tell<Number>(child, number(1)); });
  actors.stage.run_for(5s);
  actors.inside([&](Scripted& self) { self.tell<Number>(child, number(0)); });
  const auto all = actors.node.ended().list();
  REQUIRE(all.size() == 1);
  CHECK(all[0].decision == Decision::finished);
  CHECK(all[0].why == "once");
  CHECK(all[0].restarts == 1);
}

TEST_CASE("ended: one that finishes by itself may say why, and says nothing over what broke it") {
  ActorFixture actors;
  struct Talker final : public runtime::Actor {
    ~Talker() override { finish("its object goes"); }
    void receive(Handlers& on) override {
      on.tell<Number>([this](Number::Reader told) {
        if (told.getValue() == 0) return finish("it has had enough");
        throw std::runtime_error("broke");
      });
    }
  };
  const auto end = [&](std::string name, std::uint64_t value) {
    const Handle one = actors.node.start(std::move(name), [] { return std::make_unique<Talker>(); },
                                         {.on_failure = runtime::logic::OnFailure::stop});
    actors.stage.settle();
    actors.inside([&](Scripted& self) { self.tell<Number>(one, number(value)); });
    return actors.node.ended().list().at(0);
  };
  const Ended left = end("left", 0);
  CHECK(left.decision == Decision::finished);
  CHECK(left.code == Code{});
  CHECK(left.why == "it has had enough");
  const Ended broken = end("broken", 1);
  CHECK(broken.decision == Decision::unwatched);
  CHECK(broken.code == Code::internal);
  CHECK(broken.why == "broke");
}

TEST_CASE("ended: each decision has words of its own") {
  CHECK(runtime::name(Decision::finished) == "finished");
  CHECK(runtime::name(Decision::stopped) == "stopped");
  CHECK(runtime::name(Decision::given_up) == "given up");
  CHECK(runtime::name(Decision::unwatched) == "unwatched");
  CHECK(runtime::name(Decision::killed) == "killed");
}

TEST_CASE("alarms: one entry a subject keeps the worst, what it was about, and how often") {
  Alarms alarms;
  CHECK(alarms.since({}).empty());
  alarms.sound(Alarm::slow_handler, "/a", 200ms, Instant(1s), "first");
  alarms.sound(Alarm::slow_handler, "/a", 500ms, Instant(2s), "worst");
  alarms.sound(Alarm::slow_handler, "/a", 300ms, Instant(3s), "last");
  alarms.sound(Alarm::late_timer, "/a", 1s, Instant(4s));
  const auto all = alarms.since({});
  REQUIRE(all.size() == 2);
  CHECK(all[0].alarm == Alarm::slow_handler);
  CHECK(all[0].subject == "/a");
  CHECK(all[0].worst == 500ms);
  CHECK(all[0].what == "worst");
  CHECK(all[0].times == 3);
  CHECK(all[0].last == Instant(3s));
  CHECK(all[1].alarm == Alarm::late_timer);
  CHECK(all[1].what.empty());
  CHECK(alarms.count(Alarm::slow_handler) == 3);
  CHECK(alarms.count(Alarm::late_timer) == 1);
  CHECK(alarms.count(Alarm::slow_sync) == 0);
  CHECK(alarms.count(Alarm::flapping_link) == 0);
  SUBCASE("one that goes on is no other") {
    alarms.lasts(Alarm::slow_handler, "/a", 900ms, Instant(9s), "worse");
    CHECK(alarms.count(Alarm::slow_handler) == 3);
    const Sounded now = alarms.since({}).at(0);
    CHECK(now.times == 3);
    CHECK(now.worst == 900ms);
    CHECK(now.what == "worse");
    CHECK(now.last == Instant(9s));
    alarms.lasts(Alarm::slow_handler, "/forgotten", 1s, Instant(9s));
    CHECK(alarms.since({}).back().times == 1);
    CHECK(alarms.count(Alarm::slow_handler) == 3);
  }
  SUBCASE("only what sounded since then is told") {
    CHECK(alarms.since(Instant(3s)).size() == 2);
    CHECK(alarms.since(Instant(3s) + 1ns).size() == 1);
    CHECK(alarms.since(Instant(4s) + 1ns).empty());
  }
}

TEST_CASE("alarms: the newest subject takes the place of that which has been quiet for longest, of its alarm alone") {
  Alarms alarms;
  alarms.sound(Alarm::slow_sync, "store", 2s, Instant(1ms));
  for (std::size_t i = 0; i < runtime::kSubjectsMax; ++i)
    alarms.sound(Alarm::slow_handler, "/" + std::to_string(i), 1s, Instant(std::chrono::seconds(i)));
  CHECK(alarms.since({}).size() == runtime::kSubjectsMax + 1);
  alarms.sound(Alarm::slow_handler, "/0", 1s, Instant(100s));  // so /1 is the oldest now
  CHECK(alarms.since({}).size() == runtime::kSubjectsMax + 1);
  alarms.sound(Alarm::slow_handler, "/new", 1s, Instant(101s));
  const auto all = alarms.since({});
  CHECK(all.size() == runtime::kSubjectsMax + 1);
  const auto known = [&](std::string_view subject) {
    return std::ranges::count(all, subject, &runtime::Sounded::subject) == 1;
  };
  CHECK(known("store"));
  CHECK(known("/0"));
  CHECK_FALSE(known("/1"));
  CHECK(known("/2"));
  CHECK(known("/new"));
  CHECK(alarms.count(Alarm::slow_handler) == runtime::kSubjectsMax + 2);
}
