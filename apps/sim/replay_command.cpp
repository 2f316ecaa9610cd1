// troupe sim replay DOMAIN[,...]|FILE
#include "apps/sim/options.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/trial.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/logic/filter.hpp"

namespace troupe::apps::sim_command {
namespace {

Ending replay_world(const Invocation& invocation, Console& console, sim::WorkloadSpecs workloads) {
  const std::string typed = invocation.text("--filter").value_or("");
  const auto filter = observe::Filter::parse(typed);
  if (!filter.ok()) return usage_failure(observe::told("the filter", typed, filter.error()), "troupe help inspect");
  const auto world = world_of(invocation, workloads);
  if (!world.ok()) return world.error();
  const sim::Scenario& scenario = world.value().scenario;
  Trial trial(scenario, workloads);
  if (const auto until = invocation.number("--until")) trial.world().stage().stop_at(*until);
  const Outcome outcome = trial.run();
  if (invocation.globals.json) {
    print_json(console.out, outcome);
  } else {
    print_world(console.out, scenario, outcome, world.value().words);
    if (!outcome.broken())
      for (const auto& line : trial.story()) console.out << "  " << base::printable(line) << '\n';
  }
  print_states(console.out, trial.world(), filter.value(), invocation.globals.json);
  if (invocation.globals.json) print_summary_json(console.out, outcome);
  return exit_of(outcome);
}

}  // namespace

Command replay(sim::WorkloadSpecs workloads) {
  auto options = seed_options();
  options.push_back(number_option(
      "--until", "E", "stop after E events, without a verdict (at the failure, else at the end)", 0, 1ull << 62));
  options.push_back({.name = "--filter",
                     .value = "FILTER",
                     .help = "show only the actors that match, as `inspect --filter` does (all)"});
  return {.name = "sim replay",
          .summary = "Run one world up to an event, and show the state of every actor there",
          .options = std::move(options),
          .positionals = {{.name = "DOMAIN[,DOMAIN...]|FILE", .help = "domains as for `sim`, or a scenario file"}},
          .run = simulating(replay_world, workloads)};
}

}  // namespace troupe::apps::sim_command
