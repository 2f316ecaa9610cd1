// The stage: what a seed decides, how time passes, and how a world ends.
#include "runtime/sim/stage.hpp"

#include <doctest/doctest.h>

#include <caf/send.hpp>
#include <functional>
#include <set>
#include <vector>

#include "runtime/base/ensure.hpp"
#include "runtime/sim/chance.hpp"
#include "tests/runtime/os/scripted.hpp"

using namespace std::chrono_literals;
using troupe::base::Duration;
using troupe::base::Instant;
using troupe::sim::Policy;
using troupe::sim::Stage;
using troupe::test::spawn_scripted;

namespace {

/// Ten actors that pass a number around until it is used up, each hop to one that the number chooses.
std::uint64_t hash_of_crowd(std::uint64_t seed, Policy policy) {
  Stage stage(seed, policy);
  std::vector<caf::actor> crowd;
  const auto hop = [&crowd](caf::event_based_actor*) -> caf::behavior {
    return {[&crowd](std::uint64_t left) {
      if (left > 0) caf::anon_send(crowd[(left * 7) % crowd.size()], left - 1);
    }};
  };
  for (int i = 0; i < 10; ++i) crowd.push_back(spawn_scripted(stage.system(), hop));
  for (std::uint64_t i = 0; i < 10; ++i) caf::anon_send(crowd[i], std::uint64_t{20} + i);
  stage.settle();
  CHECK(stage.events() >= 245);
  return stage.hash();
}

}  // namespace

TEST_CASE("stage: the same seed gives the same order of events, another seed another one") {
  CHECK(hash_of_crowd(1, Policy::random) == hash_of_crowd(1, Policy::random));
  CHECK(hash_of_crowd(1, Policy::random) != hash_of_crowd(2, Policy::random));
  CHECK(hash_of_crowd(1, Policy::fifo) == hash_of_crowd(2, Policy::fifo));
  for (const Policy policy : {Policy::pct, Policy::starve}) {
    CHECK(hash_of_crowd(1, policy) == hash_of_crowd(1, policy));
    CHECK(hash_of_crowd(1, policy) != hash_of_crowd(2, policy));
  }
}

TEST_CASE("stage: a parked actor handles nothing, and everything once it is not parked any more") {
  for (const Policy policy : {Policy::fifo, Policy::random, Policy::pct, Policy::starve}) {
    Stage stage(3, policy);
    std::vector<int> heard;
    const auto listen = [&heard](caf::event_based_actor*) -> caf::behavior {
      return {[&heard](int number) { heard.push_back(number); }};
    };
    const caf::actor one = spawn_scripted(stage.system(), listen);
    const caf::actor other = spawn_scripted(stage.system(), listen);
    stage.settle();
    caf::anon_send(one, 1);  // ready when it is parked
    stage.park(one.id());
    caf::anon_send(one, 2);
    caf::anon_send(other, 10);
    stage.settle();
    CHECK(heard == std::vector<int>{10});
    caf::anon_send(one, 3);
    stage.settle();
    CHECK(heard == std::vector<int>{10});
    stage.unpark(one.id());
    stage.unpark(other.id());
    stage.settle();
    CHECK(heard == std::vector<int>{10, 1, 2, 3});
  }
}

TEST_CASE("stage: what is noted shows in the hash") {
  Stage one(1), other(1);
  one.note(1);
  other.note(2);
  CHECK(one.hash() != other.hash());
}

TEST_CASE("stage: two changes of what is noted do not hide each other, and each byte of a long piece counts") {
  constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
  Stage one(1), other(1);
  for (const std::uint64_t word : {5, 6}) {
    one.note(word);
    other.note(word ^ kTop);
  }
  CHECK(one.hash() != other.hash());

  const auto hash_of = [](const troupe::base::Bytes& bytes) {
    Stage stage(1);
    stage.note(bytes);
    return stage.hash();
  };
  const troupe::base::Bytes plain(103, 7);  // lanes, whole words, and single bytes
  std::set<std::uint64_t> hashes{hash_of(plain)};
  for (std::size_t i = 0; i < plain.size(); ++i) {
    auto changed = plain;
    changed[i] = 8;
    hashes.insert(hash_of(changed));
  }
  CHECK(hashes.size() == plain.size() + 1);
}

TEST_CASE("stage: appointments are kept in order, and those that were cancelled are not") {
  Stage stage(1);
  std::vector<int> kept, wanted;
  std::vector<Stage::Appointment> made;
  for (int i = 0; i < 1'000; ++i)
    made.push_back(stage.at(Instant(std::chrono::seconds(i % 10)), [&kept, i] { kept.push_back(i); }));
  for (std::size_t i = 0; i < made.size(); ++i)
    if (i % 3 != 0) stage.cancel(made[i]);
  for (int second = 0; second < 10; ++second)
    for (int i = second; i < 1'000; i += 10)
      if (i % 3 == 0) wanted.push_back(i);
  SUBCASE("none of them again by an old name") {
    // Their places are taken by others now, which an appointment of before must not touch.
    for (int i = 0; i < 600; ++i) stage.at(Instant(20s), [&kept] { kept.push_back(-1); });
    for (std::size_t i = 0; i < made.size(); ++i)
      if (i % 3 != 0) stage.cancel(made[i]);
    wanted.insert(wanted.end(), 600, -1);
  }
  SUBCASE("and one may cancel those behind it") {
    const auto last = stage.at(Instant(9s), [&kept] { kept.push_back(-2); });
    stage.at(Instant(8s), [&stage, last] { stage.cancel(last); });
  }
  stage.run_for(30s);
  CHECK(kept == wanted);
}

TEST_CASE("stage: messages between two actors keep their order under any choice") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Stage stage(seed);
    std::vector<int> heard;
    const auto listen = [&heard](caf::event_based_actor*) -> caf::behavior {
      return {[&heard](int number) { heard.push_back(number); }};
    };
    const caf::actor listener = spawn_scripted(stage.system(), listen);
    const auto speak = [listener](caf::event_based_actor* self) -> caf::behavior {
      for (int i = 0; i < 10; ++i) self->send(listener, i);
      return {};
    };
    spawn_scripted(stage.system(), speak);
    stage.settle();
    REQUIRE(heard.size() == 10);
    for (int i = 0; i < 10; ++i) CHECK(heard[static_cast<std::size_t>(i)] == i);
  }
}

TEST_CASE("stage: an actor that keeps itself busy does not keep the others waiting") {
  for (const Policy policy : {Policy::fifo, Policy::random, Policy::starve}) {
    Stage stage(1, policy);
    bool heard = false;
    const auto spin = [&heard](caf::event_based_actor* self) -> caf::behavior {
      return {[self, &heard](int) {
        if (!heard) self->send(self, 1);
      }};
    };
    const auto listen = [&heard](caf::event_based_actor*) -> caf::behavior {
      return {[&heard](int) { heard = true; }};
    };
    caf::anon_send(spawn_scripted(stage.system(), spin), 1);
    caf::anon_send(spawn_scripted(stage.system(), listen), 1);
    stage.settle();
    CHECK(heard);
  }
}

TEST_CASE("stage: time jumps from appointment to appointment and stops where it was told") {
  Stage stage(1);
  std::vector<Duration> kept;
  const auto note = [&] { kept.push_back(stage.now().since_origin()); };
  stage.after(3h, note);
  stage.after(1s, note);
  stage.after(1s, [&] {
    note();
    stage.after(0s, note);
    stage.at(Instant{}, note);  // has passed: at once
  });
  stage.run_for(1h);
  CHECK(kept == std::vector<Duration>{1s, 1s, 1s, 1s});
  CHECK(stage.now() == Instant{1h});
  stage.run_for(2h);
  CHECK(kept.back() == Duration{3h});
  CHECK(stage.now() == Instant{3h});
}

TEST_CASE("stage: a cancelled appointment is not kept, and cancelling it again is harmless") {
  Stage stage(1);
  bool kept = false;
  const auto appointment = stage.after(1s, [&] { kept = true; });
  stage.cancel(appointment);
  stage.cancel(appointment);
  stage.run_for(2s);
  CHECK_FALSE(kept);
}

TEST_CASE("stage: run_until stops at the moment the claim holds, or at its limit") {
  Stage stage(1);
  int count = 0;
  for (int i = 1; i <= 10; ++i) stage.after(std::chrono::seconds(i), [&] { ++count; });
  CHECK(stage.run_until([&] { return count == 3; }, 1min));
  CHECK(stage.now() == Instant{3s});
  CHECK_FALSE(stage.run_until([&] { return count == 11; }, 1min));
  CHECK(stage.now() == Instant{63s});
}

TEST_CASE("stage: what goes on for ever at one moment is a livelock, be it messages or appointments") {
  Stage stage(1);
  stage.limit_moment(1'000);
  SUBCASE("an actor that talks to itself") {
    const auto busy = [](caf::event_based_actor* self) -> caf::behavior {
      return {[self](int number) { self->send(self, number); }};
    };
    caf::anon_send(spawn_scripted(stage.system(), busy), 1);
    CHECK_THROWS_AS(stage.run_for(1s), troupe::sim::Restless);
  }
  SUBCASE("an appointment that makes itself again") {
    std::function<void()> again = [&] { stage.after({}, [&] { again(); }); };
    again();
    CHECK_THROWS_AS(stage.run_for(1s), troupe::sim::Restless);
  }
  CHECK(stage.events() == 1'000);
}

TEST_CASE("stage: much that happens at many moments is no livelock") {
  Stage stage(1);
  stage.limit_moment(10);
  std::function<void()> again = [&] { stage.after(1ms, [&] { again(); }); };
  again();
  stage.run_for(1s);
  CHECK(stage.events() == 1'000);
}

TEST_CASE("stage: settling leaves time and appointments alone") {
  Stage stage(1);
  bool kept = false;
  stage.after(0s, [&] { kept = true; });
  stage.settle();
  CHECK_FALSE(kept);
  CHECK(stage.now() == Instant{});
}

TEST_CASE("stage: streams of chance depend on seed and name and on nothing else") {
  Stage one(5);
  Stage two(5);
  two.stream("other").next();
  CHECK(one.stream("disk").next() == two.stream("disk").next());
  CHECK(one.stream("disk").next() != one.stream("network").next());
  Stage three(6);
  CHECK(Stage(5).stream("disk").next() != three.stream("disk").next());
}

TEST_CASE("stage: chance fills any number of bytes and replays") {
  Stage one(5);
  Stage two(5);
  troupe::sim::Chance first(one, "chance.1");
  troupe::sim::Chance second(two, "chance.1");
  for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 100U}) {
    std::vector<std::uint8_t> left(size);
    std::vector<std::uint8_t> right(size);
    first.fill(left);
    second.fill(right);
    CHECK(left == right);
  }
  CHECK(first.seed() == second.seed());
}

TEST_CASE("stage: a world ends although its actors are busy, waiting or forgotten") {
  for (int i = 0; i < 3; ++i) {
    std::weak_ptr<int> working, waiting;  // what the actors hold goes with them
    {
      Stage stage(1);
      const auto spins = std::make_shared<int>(), waits = std::make_shared<int>();
      working = spins;
      waiting = waits;
      const auto spin = [spins](caf::event_based_actor* self) -> caf::behavior {
        return {[self, spins](int) { self->send(self, ++*spins); }};
      };
      const caf::actor busy = spawn_scripted(stage.system(), spin);
      spawn_scripted(stage.system(), [waits](caf::event_based_actor*) -> caf::behavior { return {[waits](int) {}}; });
      stage.after(1h, [busy] { caf::anon_send(busy, 1); });
      caf::anon_send(busy, 1);
    }
    CHECK(working.expired());
    CHECK(waiting.expired());
  }
}
