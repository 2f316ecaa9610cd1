// What a world's end says: held, broken, stopped before that is known, or that the simulator itself is wrong.
#include "apps/sim/trial.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>

#include "apps/sim/apart.hpp"
#include "apps/sim/draw.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;

sim::Scenario quiet_world() { return {.seed = 7, .domains = {"files"}, .nodes = 3, .time = 20s}; }

/// Where a content goes with the first of its claims, and nobody has it any more: probes see that, between events.
sim::Scenario lost_content() {
  sim::Scenario world = quiet_world();
  world.nodes = 6;
  world.mutations = {"files.release_ignores_other_claims"};
  const sim::Numbers with{{"file", 1}, {"bytes", 50'000}, {"replicas", 6}};
  world.operations = {{5s, 0, "files.put", with},
                      {6s, 1, "files.put", with},
                      {15s, 1, "files.remove", {{"file", 1}, {"bytes", 50'000}}}};
  return world;
}

TEST_CASE("sim trial: a world beyond promises that stays stuck is read back all the same") {
  sim::Scenario world = lost_content();
  // One copy is missing, which the watch of its owner sees in two minutes only: not in the time that there is.
  world.faults = {{.what = sim::FaultKind::kill, .at = 3s, .span = 1min, .node = 5}};
  world.knobs = {{"files.watch_period", "2m"}};
  world.converge = {};
  CHECK(Trial(world).run().invariant == "sim.converges");
  world.beyond = true;
  CHECK(Trial(world).run().invariant == "readable");
}

TEST_CASE("sim trial: what is seen between events is said to be, and shows only where the run goes on") {
  const sim::Scenario world = lost_content();
  const Outcome whole = Trial(world).run();
  REQUIRE(whole.invariant == "readable");
  CHECK(whole.between_events);
  CHECK_FALSE(whole.stopped);

  Trial cut(world);
  cut.world().stage().stop_at(whole.event);
  const Outcome stopped = cut.run();
  CHECK(stopped.stopped);
  CHECK_FALSE(stopped.broken());
  CHECK_FALSE(stopped.held());
  CHECK(stopped.events == whole.event);
}

TEST_CASE("sim trial: what breaks in an event shows in a run that ends with it") {
  sim::Scenario world = quiet_world();
  world.domains = {"peers"};
  world.mutations = {"peers.dropped_is_welcome"};
  world.operations = {{10s, 0, "peers.drop", {{"to", 1}}}};
  for (int i = 1; i < 9; ++i) world.operations.push_back({10s + i * 1s, 0, "peers.list", {}});
  const Outcome whole = Trial(world).run();
  REQUIRE(whole.broken());
  CHECK_FALSE(whole.between_events);
  Trial cut(world);
  cut.world().stage().stop_at(whole.event);
  const Outcome same = cut.run();
  CHECK(same.invariant == whole.invariant);
  CHECK(same.hash == whole.hash);
  CHECK_FALSE(same.stopped);
}

TEST_CASE("sim trial: a mistake of the simulator is not taken for one of the nodes") {
  sim::Scenario world = quiet_world();
  world.operations = {{5s, 0, "files.dance", {}}};  // no file may say that
  CHECK_THROWS_AS(Trial(world).run(), base::InvariantBroken);

  Apart apart(1);
  REQUIRE(apart.start(1, [&] { return Trial(world).run(); }).ok());
  const Apart::Done done = *apart.next();
  CHECK_FALSE(done.outcome.has_value());
  CHECK(done.why == "ended with exit 1");
}

TEST_CASE("sim trial: a world that does not come to rest breaks, and ends all the same") {
  const sim::Scenario world = quiet_world();
  Trial trial(world);
  trial.world().stage().limit_moment(20);
  CHECK(trial.run().invariant == "sim.comes-to-rest");
}

/// Breaks an actor of n1 as a device does that does not say what it has done.
Outcome with_unknown_state(const sim::Scenario& world) {
  Trial trial(world);
  trial.world().stage().after(
      10s, [&] { trial.world().inside(0, [](auto&) { throw base::StateUnknown("rows were not written"); }); });
  return trial.run();
}

TEST_CASE("sim trial: an actor that cannot know its state any more is excused where a device has failed") {
  sim::Scenario world = quiet_world();
  const Outcome sound = with_unknown_state(world);
  CHECK(sound.invariant == "sim.actor-breaks");
  CHECK(sound.why.find("n1 /outside: ") == 0);

  world.faults = {{.what = sim::FaultKind::disk_full, .at = 1s, .span = 5s, .node = 1, .amount = 1'000'000}};
  CHECK(with_unknown_state(world).invariant == "sim.actor-breaks");
  world.faults.front().node = 0;
  CHECK(with_unknown_state(world).held());
}

TEST_CASE("sim trial: an outcome is the same after its way between processes") {
  Outcome outcome{.domain = "files", .seed = ~0ull, .hash = 0xff, .stopped = true};
  capnp::MallocMessageBuilder message;
  write(message.initRoot<output::wire::SimWorld>(), outcome);
  CHECK(read(message.getRoot<output::wire::SimWorld>()).stopped);
  outcome = {.invariant = "kept", .event = 7, .between_events = true};
  write(message.initRoot<output::wire::SimWorld>(), outcome);
  const Outcome back = read(message.getRoot<output::wire::SimWorld>());
  CHECK(back.broken());
  CHECK(back.between_events);
  CHECK_FALSE(back.stopped);
}

}  // namespace
}  // namespace troupe::apps
