// troupe sim run FILE
#include <ostream>

#include "apps/shell_word.hpp"
#include "apps/sim/commands.hpp"
#include "apps/sim/options.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/scenario_source.hpp"
#include "apps/sim/trial.hpp"

namespace troupe::apps::sim_command {
namespace {

Ending run_file(const Invocation& invocation, Console& console) {
  const std::string path = invocation.all("FILE").front();
  const auto scenario = load_scenario(path);
  if (!scenario.ok()) return scenario.error();
  const auto outcome = watched(invocation, scenario.value());
  if (!outcome.ok()) return outcome.error();
  if (invocation.globals.json) print_json(console.out, outcome.value());
  else print_world(console.out, scenario.value(), outcome.value(), shell_word(path));
  return exit_of(outcome.value());
}

}  // namespace

Command run() {
  return {.name = "sim run",
          .summary = "Run a scenario that a person has written, or shrinking has left",
          .options = watch_options(),
          .positionals = {{.name = "FILE", .help = "a scenario (tests/scenarios has some, and a README)"}},
          .run = run_file};
}

}  // namespace troupe::apps::sim_command
