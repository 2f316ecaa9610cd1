// What whole nodes say of their own health while nothing is wrong with them.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "actors/inspect/survey.hpp"
#include "apps/sim/world.hpp"

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;

/// Counts what the inspectors do.
struct Watcher final : Observer {
  void handled(std::size_t, std::string_view path, const runtime::Actor&) override { looks += path == "/inspect"; }
  std::size_t looks = 0;
};

TEST_CASE("world: five nodes with nothing wrong raise no warning in ten minutes") {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    for (const auto policy : {sim::Policy::random, sim::Policy::starve}) {
      CAPTURE(seed);
      CAPTURE(sim::name(policy));
      Watcher watcher;
      World world({.seed = seed, .nodes = 5, .policy = policy}, &watcher);
      for (std::size_t i = 0; i < world.size(); ++i) REQUIRE(world.start(i).ok());
      std::map<std::string, std::size_t> raised;  // by its text, and at which second first
      for (std::size_t second = 0; second < 600; ++second) {
        world.stage().run_for(1s);
        for (std::size_t i = 0; i < world.size(); ++i)
          for (const auto& reason : world.health(i).reasons())
            for (std::size_t k = 0; k < inspect::kWarnings; ++k)
              if (reason.source == inspect::name(static_cast<inspect::Warning>(k)))
                raised.emplace(sim::node_name(i) + " " + reason.source + ": " + reason.text, second);
      }
      for (const auto& [what, second] : raised) CHECK_MESSAGE(false, "after ", second, " s ", what);
      for (std::size_t i = 0; i < world.size(); ++i) CHECK(world.serving(i));
      CHECK(watcher.looks >= 5 * 100);  // fewer than one each two seconds: a node at rest is not surveyed
      CHECK(world.breaks().empty());
    }
  }
}

TEST_CASE("world: a device that takes a second for a commit is a warning of its node, and of no other") {
  World world({.seed = 1, .nodes = 2});
  REQUIRE(world.start(0).ok());
  world.stage().run_for(10s);
  world.machine(0).disk().slow(600ms);
  REQUIRE(world.start(1).ok());  // whom the first writes into its book
  const auto warns = [&](std::size_t node) {
    return std::ranges::any_of(world.health(node).reasons(), [](const auto& reason) {
      return reason.source == inspect::name(inspect::Warning::slow_sync) && reason.text.starts_with("/store waited ");
    });
  };
  for (int i = 0; i < 600 && !warns(0); ++i) world.stage().run_for(1s);
  CHECK(warns(0));
  CHECK_FALSE(warns(1));
}

}  // namespace
}  // namespace troupe::apps
