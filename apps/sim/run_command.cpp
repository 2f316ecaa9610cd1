// troupe sim run FILE
#include <filesystem>
#include <ostream>

#include "apps/sim/commands.hpp"
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
    return usage_failure("--trace would replace the scenario that it is a trace of", "troupe help sim run");
  const auto outcome = watched(invocation, scenario.value(), workloads);
  if (!outcome.ok()) return outcome.error();
  if (invocation.globals.json) {
    print_json(console.out, outcome.value());
    print_summary_json(console.out, outcome.value());
  } else {
    print_world(console.out, scenario.value(), outcome.value(), file_words(path));
  }
  return exit_of(outcome.value());
}

}  // namespace

Command run(sim::WorkloadSpecs workloads) {
  return {.name = "sim run",
          .summary = "Run a scenario that a person has written, or shrinking has left",
          .options = watch_options(),
          .positionals = {{.name = "FILE", .help = "a scenario (tests/scenarios has some, and a README)"}},
          .run = simulating(run_file, workloads)};
}

}  // namespace troupe::apps::sim_command
