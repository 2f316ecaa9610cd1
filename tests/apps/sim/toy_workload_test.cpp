// The simulator with a domain that it does not know: every part that walks the workloads takes them as a parameter.
#include <doctest/doctest.h>

#include <array>

#include "apps/sim/draw.hpp"
#include "apps/sim/mutant_worlds.hpp"
#include "apps/sim/scenario_source.hpp"
#include "apps/sim/sim.hpp"
#include "apps/sim/trial.hpp"
#include "apps/sim/twice.hpp"
#include "tests/apps/harness.hpp"

namespace troupe::apps {
namespace {

/// Rings a bell, which must not be heard thirteen times.
class Bell final : public sim::Workload {
 public:
  Bell(sim::Nodes& nodes, const sim::Scenario&) : nodes_(nodes) {}
  void perform(const sim::Operation& operation) override {
    nodes_.acknowledged();
    const bool twice = nodes_.mutations().on("bell.rings_thirteen") && operation.number("times") == 12;
    if (operation.number("times") + (twice ? 1 : 0) == 13) nodes_.violated("unlucky", "the bell rang thirteen times");
  }
  void probe() override { nodes_.mutations().sometimes("bell: all was quiet"); }
  std::vector<std::string> waits() const override { return {}; }

 private:
  sim::Nodes& nodes_;
};

const sim::WorkloadSpec kBell{
    .name = "bell",
    .operations = {{"ring", "a person rings a bell", {{"times", 1, 12}}}},
    .knobs = {},
    .invariants = {{"unlucky", "no bell rings thirteen times"}},
    .sometimes = {{"bell: all was quiet", "a world came to its end", true}},
    .mutants = {{"bell.rings_thirteen", "twelve is counted from zero"}},
    .draw = [](base::Random&, const sim::Shape& shape) -> std::vector<sim::Operation> {
      return {{shape.time / 2, 0, "bell.ring", {{"times", 12}}}};
    },
    .make = sim::make_workload<Bell>,
};
const std::array kToys{&kBell};

TEST_CASE("sim toy: a domain's workload is listed, drawn, run and replayed by its name") {
  const Commands table = sim_commands(kToys);
  const Seen list = run_with(table, {"sim", "list"});
  for (const char* const named : {"bell.ring", "unlucky", "bell: all was quiet", "bell.rings_thirteen"})
    CHECK_MESSAGE(list.out.find(named) != std::string::npos, named);
  CHECK(list.out.find("files.put") == std::string::npos);

  const std::vector<std::string> small{"--calm", "--nodes", "1", "--time", "2s"};
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.end(), small.begin(), small.end());
    return run_with(table, words);
  };
  CHECK(with({"sim", "bell"}).exit == Exit::done);
  CHECK(with({"sim", "replay", "bell", "--until", "100"}).out.find("n1 /") != std::string::npos);
  CHECK(with({"sim", "peers"}).exit == Exit::usage);
  CHECK(with({"sim", "peers"}).err.find("did you mean \"bell\"") != std::string::npos);
}

TEST_CASE("sim toy: a domain's planted bug is found, and its world written, read and run again") {
  const TemporaryFolder folder;
  const Commands table = sim_commands(kToys);
  const Seen found =
      run_with(table, {"sim", "mutants", "bell.rings_thirteen", "--seed", "2", "--seeds", "1", "--json"});
  CHECK(found.exit == Exit::done);
  CHECK(found.out.find("\"found\":true") != std::string::npos);

  sim::Scenario world = planted("bell", "bell.rings_thirteen", 2, kToys);
  world.time = std::chrono::seconds(2);
  world.operations.front().at = std::chrono::seconds(1);
  const std::string path = folder.path() + "/bell.toml";
  REQUIRE(save_scenario(path, world, "a bell", kToys).ok());
  CHECK_FALSE(load_scenario(path).ok());
  const auto again = load_scenario(path, kToys);
  REQUIRE(again.ok());
  CHECK((again.value() == world));
  CHECK(run_with(table, {"sim", "run", path}).exit == Exit::failed);
  CHECK(Trial(world, kToys).run().invariant == "unlucky");
  CHECK_FALSE(run_twice(world, kToys).parted.has_value());
}

TEST_CASE("sim toy: recorded worlds of a planted bug are kept while they show it, and replaced afterwards") {
  const TemporaryFolder folder;
  const Commands table = sim_commands(kToys);
  const std::string path = folder.path() + "/bell.txt";
  const auto record = [&](const std::string& seeds) {
    return run_with(table, {"sim", "mutants", "bell", "--record", path, "--seeds", seeds});
  };
  CHECK(run_with(table, {"sim", "mutants", "--record", path}).exit == Exit::usage);
  REQUIRE(record("20").exit == Exit::done);
  const auto first = read_mutant_worlds(path);
  REQUIRE(first.ok());
  REQUIRE(first.value().size() == 1);
  CHECK(first.value()[0].mutant == "bell.rings_thirteen");
  CHECK(first.value()[0].seeds.size() == kMutantWorlds);
  CHECK(first.value()[0].by == std::vector<std::string>{"unlucky"});

  CHECK(record("20").out == "");  // kept
  MutantWorlds stale = first.value()[0];
  stale.by = {"another"};
  REQUIRE(save_text(path, mutant_worlds_text({stale})).ok());
  REQUIRE(record("20").exit == Exit::done);
  CHECK(read_mutant_worlds(path).value()[0].by == first.value()[0].by);
  REQUIRE(save_text(path, "bell.rings_thirteen 1,x unlucky\n").ok());
  CHECK_FALSE(read_mutant_worlds(path).ok());
}

}  // namespace
}  // namespace troupe::apps
