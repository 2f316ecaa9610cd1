// troupe sim run FILE
#include <filesystem>

#include "apps/sim/options.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/scenario_source.hpp"

namespace troupe::apps::sim_command {
namespace {

Ending run_file(const Invocation& invocation, Console& console, sim::WorkloadSpecs workloads) {
  const std::string path = invocation.all("FILE").front();
  const auto scenario = load_scenario(path, workloads);
  if (!scenario.ok()) return scenario.error();
  std::error_code not_there;
  if (const auto trace = invocation.text("--trace"); trace && std::filesystem::equivalent(*trace, path, not_there))
    return usage_failure("--trace would overwrite the scenario that it records", "troupe help sim run");
  const auto outcome = watched(invocation, scenario.value(), workloads);
  if (!outcome.ok()) return outcome.error();
  print(console.out, invocation.globals.json, scenario.value(), outcome.value(), file_words(path));
  return exit_of(outcome.value());
}

}  // namespace

Command run(sim::WorkloadSpecs workloads) {
  return {.name = "sim run",
          .summary = "Run a scenario file, written by hand or by `sim shrink`",
          .options = watch_options(),
          .positionals = {{.name = "FILE", .help = "scenario to run; tests/scenarios has examples and a README"}},
          .run = simulating(run_file, workloads)};
}

}  // namespace troupe::apps::sim_command
