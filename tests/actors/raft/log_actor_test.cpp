// The actor that gives the logs of a node to its groups, when its device does not do what it is asked.
#include "actors/raft/log_actor.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

TEST_CASE("raft log: sizes that cannot be written close no log, and health says so until they are written") {
  test::ActorFixture fixture;
  observe::Health health;
  const auto settings = std::make_shared<raft::RaftSettings>();
  settings->health = &health;
  runtime::Handle log =
      fixture.node.start("log", [settings] { return std::make_unique<raft::LogActor>("log", settings); });
  fixture.stage.settle();
  std::uint64_t written = 0;
  const auto write = [&] {
    fixture.inside([&](test::Scripted& self) {
      self.ask<raft::wire::WriteLog, messages::wire::Nothing>(
          log, self.now() + 30s,
          [&](raft::wire::WriteLog::Builder out) {
            out.setIncarnation(7);
            out.setRestarts(true);
            out.setHasState(true);
          },
          [&](const runtime::Answer<messages::wire::Nothing>& answer) { written += answer.ok() ? 1 : 0; });
    });
  };
  write();
  fixture.stage.run_for(3s);
  REQUIRE(fixture.disk.size("log.sizes").ok());
  REQUIRE(fixture.disk.make_directory("log.sizes.new").ok());  // no file of that name can be made
  for (std::uint64_t i = 2; i <= 6; ++i) {
    write();
    fixture.stage.run_for(2s);
    CHECK(written == i);
  }
  REQUIRE(health.reasons().size() == 1);
  CHECK(health.reasons()[0].source == "raft.log");
  CHECK(health.reasons()[0].state == observe::HealthState::degraded);
  CHECK(health.reasons()[0].text.find("log.sizes") != std::string::npos);
  REQUIRE(fixture.disk.remove("log.sizes.new").ok());
  fixture.stage.run_for(20s);
  CHECK(health.reasons().empty());
  write();
  CHECK(written == 7);
  test::ActorFixture::kill(std::exchange(log, {}));
}
