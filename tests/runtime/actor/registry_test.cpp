// All actors of a node: found by path, and shown once each in a walk by steps, whatever comes and goes meanwhile.
#include "runtime/actor/registry.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <thread>

#include "runtime/base/random.hpp"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using runtime::Listing;
using runtime::Record;
using runtime::Registry;

namespace {

Listing listing(std::string path) { return {std::move(path), "kind", std::make_shared<Record>(), {}}; }
std::string path_of(std::uint64_t number) { return "/actor/" + std::to_string(number); }

}  // namespace

TEST_CASE("registry: a walk by steps shows each actor once, with an end, whatever their number") {
  for (const std::uint64_t count : {0u, 1u, 63u, 64u, 16'384u, 16'500u, 40'000u}) {
    Registry registry;
    for (std::uint64_t i = 0; i < count; ++i) REQUIRE(registry.add(listing(path_of(i))));
    std::map<std::string, int> seen;
    Registry::Cursor place;
    int steps = 0;
    while (!place.at_end()) {
      int shown = 0;
      registry.walk_on(place, [&](const Listing& one) {
        ++seen[one.path];
        ++shown;
      });
      REQUIRE(shown <= 256);
      REQUIRE(++steps <= 1'000);
    }
    CHECK(seen.size() == count);
    CHECK(std::ranges::all_of(seen, [](const auto& one) { return one.second == 1; }));
    registry.walk_on(place, [](const Listing&) { FAIL("it is at its end"); });
  }
}

TEST_CASE("registry: who is there during the whole walk is shown once, and nobody twice, while others come and go") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    base::Random random(seed);
    Registry registry;
    std::map<std::string, Listing> there, stay;
    for (std::uint64_t i = 0; i < 3'000; ++i) {
      Listing one = listing(path_of(i));
      if (random.chance(1, 2)) stay.emplace(one.path, one);
      else there.emplace(one.path, one);
      REQUIRE(registry.add(one));
    }
    std::map<std::string, int> seen;
    std::uint64_t next = 3'000;
    for (Registry::Cursor place; !place.at_end();) {
      registry.walk_on(place, [&](const Listing& one) { ++seen[one.path]; });
      for (std::uint64_t i = random.below(20); i > 0 && !there.empty(); --i) {
        const auto gone = std::next(there.begin(), static_cast<std::ptrdiff_t>(random.below(there.size())));
        registry.remove(gone->first, gone->second.record.get());
        there.erase(gone);
      }
      for (std::uint64_t i = random.below(20); i > 0; --i) {
        Listing one = listing(path_of(next++));
        there.emplace(one.path, one);
        REQUIRE(registry.add(one));
      }
    }
    for (const auto& [path, one] : stay) REQUIRE(seen[path] == 1);
    REQUIRE(std::ranges::all_of(seen, [](const auto& one) { return one.second <= 1; }));
    CHECK(registry.size() == there.size() + stay.size());
  }
}

TEST_CASE("registry: a walk goes on where the actor that it stopped at has ended") {
  Registry registry;
  std::vector<Listing> all;
  for (std::uint64_t i = 0; i < 40'000; ++i) {
    all.push_back(listing(path_of(i)));
    REQUIRE(registry.add(all.back()));
  }
  std::set<std::string> seen;
  std::vector<std::string> last_ones;
  for (Registry::Cursor place; !place.at_end();) {
    std::string last;
    registry.walk_on(place, [&](const Listing& one) {
      CHECK(seen.insert(one.path).second);
      last = one.path;
    });
    if (!last.empty()) registry.remove(last, registry.listing(last)->record.get());
  }
  CHECK(seen.size() == all.size());
}

TEST_CASE("registry: threads that add and remove meanwhile neither hide nor double an actor") {
  Registry registry;
  for (std::uint64_t i = 0; i < 2'000; ++i) REQUIRE(registry.add(listing(path_of(i))));
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; !over; ++i) {
        const Listing one = listing("/other/" + std::to_string(t) + "/" + std::to_string(i % 100));
        static_cast<void>(registry.add(one));
        static_cast<void>(registry.listing(path_of(i % 2'000)));
        registry.remove(one.path, one.record.get());
      }
    });
  for (int walk = 0; walk < 50; ++walk) {
    std::map<std::string, int> seen;
    for (Registry::Cursor place; !place.at_end();)
      registry.walk_on(place, [&](const Listing& one) { seen[one.path] += one.path.starts_with("/actor/"); });
    std::size_t shown = 0;
    for (const auto& [path, times] : seen) shown += times == 1;
    CHECK(shown == 2'000);
  }
  over = true;
  for (auto& thread : threads) thread.join();
  CHECK(registry.size() == 2'000);
}

TEST_CASE("registry: all that is known of an actor is found by its path") {
  ActorFixture actors;
  const auto whom = actors.node.start("one", script(successor), {.kind = "successor"});
  actors.stage.settle();
  const auto found = actors.node.registry().listing("/one");
  REQUIRE(found.has_value());
  CHECK(found->path == "/one");
  CHECK(std::string_view(found->kind) == "successor");
  CHECK(found->handle == whom);
  CHECK(found->record == actors.record("/one"));
  for (const char* path : {"", "/", "one", "/One", "/one/", "/one/two", "/on"})
    CHECK_FALSE(actors.node.registry().listing(path).has_value());
}

TEST_CASE("registry: who takes a path takes it whole, and the one before it cannot remove it") {
  Registry registry;
  const Listing old = listing("/one"), fresh = listing("/one");
  REQUIRE(registry.add(old));
  REQUIRE(registry.add(fresh));
  CHECK(registry.size() == 1);
  registry.remove("/one", old.record.get());
  REQUIRE(registry.listing("/one").has_value());
  CHECK(registry.listing("/one")->record == fresh.record);
  registry.remove("/one", fresh.record.get());
  CHECK_FALSE(registry.listing("/one").has_value());
  CHECK(registry.size() == 0);
}
