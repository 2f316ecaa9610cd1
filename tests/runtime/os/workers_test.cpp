// Threads that sleep while there is no work, and are there when some comes. Each handler stays until the test has seen
// what it waits for; only broken code reaches the bound.
#include "runtime/os/workers.hpp"

#include <doctest/doctest.h>

#include <atomic>

#include "messages/bench.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/external_actor.hpp"
#include "runtime/os/clock.hpp"
#include "runtime/os/disk.hpp"
#include "runtime/os/system.hpp"
#include "tests/runtime/os/os_place.hpp"

namespace troupe::os {
namespace {

using namespace std::chrono_literals;
using bench::wire::Number;
using runtime::Handle;
using test::poll_until;

constexpr std::size_t kWorkers = 4;

/// Actors that meet: each stays in its handler until all of them are in theirs.
struct Meeting {
  std::atomic<std::size_t> there{0};
  std::atomic<std::size_t> over{0};

  void join(std::size_t wanted) {
    ++there;
    poll_until([&] { return there >= wanted; });
    ++over;
  }
};

class Guest final : public runtime::Actor {
 public:
  explicit Guest(Meeting& meeting) : meeting_(meeting) {}
  void receive(runtime::Handlers& on) override {
    on.tell<Number>([this](Number::Reader wanted) {
      for (const Handle& other : others)
        tell<Number>(other, [&](Number::Builder out) { out.setValue(wanted.getValue()); });
      meeting_.join(wanted.getValue());
    });
  }
  std::vector<Handle> others;

 private:
  Meeting& meeting_;
};

/// Sends on what it gets, until a guest was there.
class Player final : public runtime::Actor {
 public:
  explicit Player(const Meeting& meeting) : meeting_(meeting) {}
  void receive(runtime::Handlers& on) override {
    on.tell<Number>([this](Number::Reader number) {
      const Handle other = node().find(number.getValue() == 0 ? "/pong" : "/ping");
      if (meeting_.over > 0) return;
      tell<Number>(other, [&](Number::Builder out) { out.setValue(1 - number.getValue()); });
    });
  }

 private:
  const Meeting& meeting_;
};

struct WorkerScene {
  Handle start(const std::string& name, std::vector<Handle> others = {}) {
    return system.node().start(name, [this, others] {
      auto guest = std::make_unique<Guest>(meeting);
      guest->others = others;
      return guest;
    });
  }
  static void tell(const Handle& whom, std::uint64_t wanted) {
    runtime::post(whom, runtime::Envelope::build<Number>({}, [&](Number::Builder out) { out.setValue(wanted); }));
  }

  test::OsDirectory folder;
  Meeting meeting;
  System system{open_disk(folder.path()).value(), {.workers = kWorkers, .sockets = folder.path()}};
};

TEST_CASE("workers: each of them is woken, however the work comes, and again after all have slept") {
  WorkerScene scene;
  std::vector<Handle> guests;
  SUBCASE("from another thread, one message for each") {
    for (std::size_t i = 0; i < kWorkers; ++i) guests.push_back(scene.start("guest" + std::to_string(i)));
  }
  SUBCASE("from a handler that goes on: what it has sent is stolen") {
    std::vector<Handle> others;
    for (std::size_t i = 1; i < kWorkers; ++i) others.push_back(scene.start("guest" + std::to_string(i)));
    guests = {scene.start("host", others)};
  }
  SUBCASE("from one handler to the next") {
    Handle next = scene.start("last");
    for (std::size_t i = 1; i < kWorkers; ++i) next = scene.start("guest" + std::to_string(i), {next});
    guests = {next};
  }
  for (std::size_t round = 1; round <= 20; ++round) {
    for (const Handle& guest : guests) WorkerScene::tell(guest, kWorkers * round);
    REQUIRE(poll_until([&] { return scene.meeting.over == kWorkers * round; }));
  }
  guests.clear();
}

TEST_CASE("workers: what comes for a busy worker is taken by one that sleeps") {
  WorkerScene scene;
  const Handle busy = scene.start("busy");
  WorkerScene::tell(busy, 1 + 4 * kWorkers);  // stays until all the others are there
  REQUIRE(poll_until([&] { return scene.meeting.there == 1; }));
  std::vector<Handle> guests;
  for (std::size_t i = 0; i < 4 * kWorkers; ++i) {  // in turn to each worker, so to the busy one as well
    guests.push_back(scene.start("guest" + std::to_string(i)));
    WorkerScene::tell(guests.back(), 1);
  }
  REQUIRE(poll_until([&] { return scene.meeting.over == 1 + 4 * kWorkers; }));
}

TEST_CASE("workers: two actors that talk to each other without end do not keep a worker for themselves") {
  const test::OsDirectory folder;
  Meeting meeting;
  System system(open_disk(folder.path()).value(), {.workers = 1, .sockets = folder.path()});
  const Handle ping = system.node().start("ping", [&] { return std::make_unique<Player>(meeting); });
  const Handle pong = system.node().start("pong", [&] { return std::make_unique<Player>(meeting); });
  WorkerScene::tell(ping, 0);
  WorkerScene::tell(system.node().start("guest", [&] { return std::make_unique<Guest>(meeting); }), 1);
  REQUIRE(poll_until([&] { return meeting.over == 1; }));
  CHECK(system.end(10s));
}

/// Has fast handlers, then slow ones, in each of which the coarse clock ticks. The first slow one tells `/watcher`.
class Slowing final : public runtime::Actor {
 public:
  Slowing(const std::atomic<bool>& begin, std::atomic<std::size_t>& slow) : begin_(begin), slow_(slow) {}
  void receive(runtime::Handlers& on) override {
    on.tell<Number>([this](Number::Reader number) {
      poll_until([this] { return begin_.load(); });  // all messages wait by then
      if (number.getValue() == 0) return;
      if (++slow_ == 1) tell<Number>(node().find("/watcher"), [](Number::Builder) {});
      const base::Instant at = clock_.coarse();
      poll_until([&] { return clock_.coarse() != at; });
    });
  }

 private:
  const std::atomic<bool>& begin_;
  std::atomic<std::size_t>& slow_;
  Clock clock_;
};

TEST_CASE("workers: an actor whose handlers become slow delays another actor by four of them") {
  constexpr std::size_t kFast = 10 * kThroughputMax, kSlow = 10, kPart = 4;
  const test::OsDirectory folder;
  std::atomic<bool> begin = false;
  std::atomic<std::size_t> slow = 0, seen = 0;
  System system(open_disk(folder.path()).value(), {.workers = 1, .sockets = folder.path()});
  system.node().start("watcher", [&] {
    struct Watcher final : runtime::Actor {
      Watcher(std::atomic<std::size_t>& from, std::atomic<std::size_t>& to) : slow(from), seen(to) {}
      void receive(runtime::Handlers& on) override {
        on.tell<Number>([this](Number::Reader) { seen = slow.load(); });
      }
      std::atomic<std::size_t>&slow, &seen;
    };
    return std::make_unique<Watcher>(slow, seen);
  });
  const Handle slowing = system.node().start("slowing", [&] { return std::make_unique<Slowing>(begin, slow); });
  for (std::size_t i = 0; i < kFast; ++i) WorkerScene::tell(slowing, 0);
  for (std::size_t i = 0; i < kSlow; ++i) WorkerScene::tell(slowing, 1);
  begin = true;
  REQUIRE(poll_until([&] { return seen > 0; }));
  CHECK(seen <= kPart);
  CHECK(system.end(10s));
}

TEST_CASE("workers: a system with one worker, or with no work at all, ends") {
  const test::OsDirectory folder;
  Meeting meeting;
  System system(open_disk(folder.path()).value(), {.workers = 1, .sockets = folder.path()});
  SUBCASE("with none") {}
  SUBCASE("after some") {
    WorkerScene::tell(system.node().start("guest", [&] { return std::make_unique<Guest>(meeting); }), 1);
    REQUIRE(poll_until([&] { return meeting.over == 1; }));
  }
  CHECK(system.end(10s));
}

}  // namespace
}  // namespace troupe::os
