// Threads that are started as they are needed. Jobs wait for each other; only broken code reaches the bound.
#include "runtime/http/workers.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <future>
#include <set>

using namespace troupe::http;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::seconds kWaitMax{30};  // a bound for broken code, never a wait for working code

bool passes(const std::shared_future<void>& gate) { return gate.wait_for(kWaitMax) == std::future_status::ready; }

/// A job that says when it begins, and ends when it may.
struct Blocking {
  std::promise<void> begun, may_end;
  std::shared_future<void> begins{begun.get_future().share()}, ends{may_end.get_future().share()};

  Workers::Job job() {
    return [this] {
      begun.set_value();
      passes(ends);
    };
  }
};

}  // namespace

TEST_CASE("http workers: jobs run at once, up to the number of threads") {
  std::array<Blocking, 3> jobs;
  Workers workers(3, 0);
  for (Blocking& one : jobs) REQUIRE(workers.add(one.job()));
  for (Blocking& one : jobs) CHECK(passes(one.begins));
  CHECK_FALSE(workers.add([] {}));
  for (Blocking& one : jobs) one.may_end.set_value();
}

TEST_CASE("http workers: a job waits for a thread, and a full queue refuses a job") {
  Blocking first;
  std::vector<int> ran;
  {
    Workers workers(1, 2);
    REQUIRE(workers.add(first.job()));
    REQUIRE(passes(first.begins));
    CHECK(workers.add([&] { ran.push_back(1); }));
    CHECK(workers.add([&] { ran.push_back(2); }));
    CHECK_FALSE(workers.add([&] { ran.push_back(3); }));
    first.may_end.set_value();
  }
  CHECK(ran == std::vector<int>{1, 2});
}

TEST_CASE("http workers: a thread without work takes the next job") {
  std::set<std::thread::id> threads;
  std::vector<std::promise<void>> done(50);
  Workers workers(8, 8);
  for (std::promise<void>& one : done) {
    REQUIRE(workers.add([&] {
      threads.insert(std::this_thread::get_id());
      one.set_value();
    }));
    REQUIRE(passes(one.get_future().share()));
  }
  CHECK(threads.size() <= 8);
}

TEST_CASE("http workers: many jobs from many threads each run once") {
  std::atomic<int> ran{0}, added{0};
  {
    Workers workers(4, 10'000);
    std::vector<std::thread> callers;
    for (int i = 0; i < 4; ++i)
      callers.emplace_back([&] {
        for (int j = 0; j < 500; ++j)
          if (workers.add([&] { ++ran; })) ++added;
      });
    for (std::thread& one : callers) one.join();
  }
  CHECK(added == 2'000);
  CHECK(ran == 2'000);
}

TEST_CASE("http workers: a job is destroyed as soon as it has run") {
  std::promise<void> destroyed;
  Workers workers(1, 1);
  std::shared_ptr<void> held(nullptr, [&](void*) { destroyed.set_value(); });
  REQUIRE(workers.add([kept = std::move(held)] {}));
  CHECK(passes(destroyed.get_future().share()));
}

TEST_CASE("http workers: the end runs the jobs that wait, and later jobs are refused") {
  Blocking first;
  std::atomic<int> ran{0};
  Workers workers(1, 10);
  REQUIRE(workers.add(first.job()));
  REQUIRE(passes(first.begins));
  for (int i = 0; i < 10; ++i) REQUIRE(workers.add([&] { ++ran; }));
  first.may_end.set_value();
  workers.end();
  CHECK(ran == 10);
  CHECK_FALSE(workers.add([&] { ++ran; }));
  workers.end();  // harmless
  CHECK(ran == 10);
}

TEST_CASE("http workers: jobs that come during the end are refused") {
  std::atomic<int> ran{0}, added{0};
  std::atomic<bool> stops{false};
  Workers workers(4, 1'000);
  std::thread caller([&] {
    while (!stops)
      if (workers.add([&] { ++ran; })) ++added;
  });
  while (ran == 0) std::this_thread::yield();
  workers.end();
  const int before = added;
  CHECK_FALSE(workers.add([&] { ++ran; }));
  stops = true;
  caller.join();
  CHECK(added - before <= 1);  // its last job may have been counted late
  CHECK(ran == added);
}

TEST_CASE("http workers: zero threads refuse every job that cannot wait") {
  Workers workers(0, 0);
  CHECK_FALSE(workers.add([] {}));
}
