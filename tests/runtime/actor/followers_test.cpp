// Actors that are told of changes, and for how long.
#include "runtime/actor/followers.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using runtime::Handlers;
using test::ActorFixture;
using test::Scripted;
using Nothing = messages::wire::Nothing;

namespace {

/// Changes each minute. `Follow` and `Changed` are the same kind here: no actor gets both.
struct Changing final : runtime::Actor {
  struct Minute {};
  void receive(Handlers& on) override {
    followers.receive(on);
    on.timer<Minute>([this] {
      after<Minute>(1min);
      followers.changed();
    });
  }
  void start() override { after<Minute>(1min); }

  runtime::Followers<Nothing, Nothing> followers{*this};
};

struct Following {
  ActorFixture actors;
  runtime::Handle changing = actors.node.start("changing", [] { return std::make_unique<Changing>(); });

  void follow(const std::string& name, int& told) {
    actors.start(
        name, [&told](Scripted&, Handlers& on) { on.tell<Nothing>([&told](Nothing::Reader) { ++told; }); },
        [this](Scripted& self) { self.tell<Nothing>(changing, [](Nothing::Builder) {}); });
    actors.stage.settle();
  }
};

}  // namespace

TEST_CASE("followers: one is told of each change for three minutes after it said so") {
  Following world;
  int told = 0;
  world.follow("one", told);
  world.actors.stage.run_for(90s);
  CHECK(told == 1);
  world.actors.stage.run_for(10min);
  CHECK(told == 3);
}

TEST_CASE("followers: beyond the limit the one that has said so longest ago makes room") {
  Following world;
  std::vector<int> told(runtime::kFollowersMax + 1);
  for (std::size_t i = 0; i < told.size(); ++i) world.follow("follower" + std::to_string(i), told[i]);
  world.actors.stage.run_for(90s);
  CHECK(told.front() == 0);
  CHECK(std::all_of(told.begin() + 1, told.end(), [](int times) { return times == 1; }));
}
