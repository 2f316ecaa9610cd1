// What each thread of the process that runs actors is at.
#include "runtime/actor/turns.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <future>
#include <thread>

#include "messages/bench.capnp.h"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using bench::wire::Latest;
using bench::wire::Number;
using runtime::Handle;
using runtime::Handlers;
using runtime::Record;
using runtime::TurnSeen;

namespace {

std::optional<TurnSeen> turn_of(const Record* record) {
  const auto all = runtime::turns();
  const auto found = std::ranges::find(all, record, &TurnSeen::record);
  if (found == all.end()) return std::nullopt;
  return *found;
}

}  // namespace

TEST_CASE("turns: a thread is seen from its first message to its last, and its place goes with it") {
  Record record;
  std::promise<void> began, looked, ended, done;
  std::thread thread([&] {
    runtime::Turn& mine = runtime::turn_here();
    mine.begin(&record, true, {});
    mine.next(&messages::kind_of<Number>());
    began.set_value();
    looked.get_future().wait();
    mine.next(&messages::kind_of<Latest>());
    ended.set_value();
    done.get_future().wait();
    mine.end();
  });
  began.get_future().wait();
  const auto first = turn_of(&record);
  REQUIRE(first.has_value());
  CHECK(first->kind == &messages::kind_of<Number>());
  CHECK(first->may_block);
  CHECK(turn_of(&record)->number == first->number);
  looked.set_value();
  ended.get_future().wait();
  const auto second = turn_of(&record);
  REQUIRE(second.has_value());
  CHECK(second->thread == first->thread);
  CHECK(second->number > first->number);
  CHECK(second->kind == &messages::kind_of<Latest>());
  done.set_value();
  thread.join();
  CHECK_FALSE(turn_of(&record).has_value());
}

TEST_CASE("turns: a thread that ends in the midst of a turn leaves no place behind") {
  Record record;
  std::thread([&] { runtime::turn_here().begin(&record, false, {}); }).join();
  CHECK_FALSE(turn_of(&record).has_value());
}

TEST_CASE("turns: threads are told apart, and no number is used again") {
  std::array<Record, 3> records;
  std::promise<void> done;
  const std::shared_future<void> wait = done.get_future().share();
  std::vector<std::thread> threads;
  std::vector<std::uint64_t> numbers;
  for (Record& record : records) {
    std::promise<void> began;
    threads.emplace_back([&record, &began, wait] {
      runtime::turn_here().begin(&record, false, {});
      began.set_value();
      wait.wait();
    });
    began.get_future().wait();
    numbers.push_back(turn_of(&record)->thread);
  }
  CHECK(std::ranges::is_sorted(numbers, std::less_equal{}));
  done.set_value();
  for (auto& thread : threads) thread.join();
  Record later;
  std::thread([&] {
    runtime::turn_here().begin(&later, false, {});
    CHECK(turn_of(&later)->thread > numbers.back());
  }).join();
}

TEST_CASE("turns: a handler finds itself there with its message, a timer without one, and nobody in between") {
  struct Tick {};
  ActorFixture actors;
  std::shared_ptr<const Record> record;
  std::optional<TurnSeen> in_start, in_message, in_timer;
  bool blocking = false;
  SUBCASE("shared") {}
  SUBCASE("with a thread of its own") { blocking = true; }
  const auto placement = blocking ? ports::Placement::own_thread : ports::Placement::shared;
  Handle child;
  actors.start("parent", {}, [&](Scripted& parent) {
    child = parent.spawn("child",
                         script(
                             [&](Scripted& self, Handlers& on) {
                               on.timer<Tick>([&] { in_timer = turn_of(record.get()); });
                               on.tell<Number>([&](Number::Reader) {
                                 in_message = turn_of(record.get());
                                 self.after<Tick>(1s);
                               });
                             },
                             [&](Scripted&) {
                               record = actors.record("/child");
                               in_start = turn_of(record.get());
                             }),
                         {.placement = placement});
  });
  actors.stage.settle();
  CHECK_FALSE(turn_of(record.get()).has_value());
  actors.inside([&](Scripted& self) { self.tell<Number>(child, number(1)); });
  CHECK_FALSE(turn_of(record.get()).has_value());
  actors.stage.run_for(2s);
  REQUIRE(in_start.has_value());
  CHECK(in_start->kind == nullptr);
  REQUIRE(in_message.has_value());
  CHECK(in_message->kind == &messages::kind_of<Number>());
  CHECK(in_message->may_block == blocking);
  REQUIRE(in_timer.has_value());
  CHECK(in_timer->kind == nullptr);
  CHECK(in_timer->number > in_message->number);
}
