// troupe sim DOMAIN[,...]
#include "apps/sim/sim.hpp"

#include "apps/cli/terminal.hpp"
#include "apps/sim/apart.hpp"
#include "apps/sim/options.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/trial.hpp"
#include "apps/sim/workloads.hpp"

namespace troupe::apps {
namespace {

using sim_command::Worlds;

Outcome crash(const Worlds& worlds, std::uint64_t seed, const std::string& why) {
  Outcome out;
  out.domain = joined(worlds.draw.domains, ",");
  out.seed = seed;
  out.invariant = "sim.crash";
  out.why = "the world's process " + why;
  return out;
}

Ending conclude(const Summary& summary, Console& console, bool json) {
  if (json) summary.print_json(console.out);
  else summary.print(console.out);
  if (summary.broken() > 0) return Exit::failed;
  if (summary.crashed() > 0) return Exit::simulator_failed;
  return summary.acknowledged() == 0 || !summary.never_reached().empty() ? Exit::nothing_checked : Exit::done;
}

/// Runs one world in this process, so that a debugger sees it; its crash is this process's.
Ending run_one(const Invocation& invocation, const Worlds& worlds, Console& console) {
  const sim::Scenario scenario = draw(worlds.seed, worlds.draw);
  const auto outcome = sim_command::watched(invocation, scenario, worlds.draw.workloads);
  if (!outcome.ok()) return outcome.error();
  print(console.out, invocation.globals.json, scenario, outcome.value(), world_words(worlds.draw, worlds.seed));
  return sim_command::exit_of(outcome.value());
}

/// Runs each world in its own process; with --twice the first that differs ends all.
Ending run_many(const Worlds& worlds, bool twice, Console& console, bool json) {
  const base::Instant from = real_now();
  Summary summary(worlds.draw);
  Progress progress(console, "worlds", worlds.seeds, from, Progress::Unit::count);
  std::optional<Outcome> parted;
  const auto work = [&](std::uint64_t place) {
    const sim::Scenario scenario = draw(worlds.seed + place, worlds.draw);
    return twice ? told(run_twice(scenario, worlds.draw.workloads)) : Trial(scenario, worlds.draw.workloads).run();
  };
  const auto ran = run_apart(worlds.jobs, worlds.seeds, work, [&](const Apart::Done& done) {
    const Outcome outcome = done.outcome ? *done.outcome : crash(worlds, worlds.seed + done.tag, done.why);
    if (outcome.invariant == kSameTwice) {
      parted = outcome;
      return false;
    }
    if (done.outcome) summary.add(outcome);
    else summary.add_crash(outcome);
    if (json) print_json(console.out, outcome);
    progress.update(summary.worlds(), real_now());
    return true;
  });
  if (!ran.ok()) return Failure{ran.error(), "", "fewer --jobs", Exit::simulator_failed};
  if (parted) return sim_command::parted(*parted);
  summary.wall = real_now() - from;
  const Ending ending = conclude(summary, console, json);
  if (Interrupts::noted() != 0) {
    console.out.flush();
    console.err << "interrupted after " << summary.worlds() << " of " << worlds.seeds << " worlds\n";
    console.err.flush();
    Interrupts::obey();
  }
  return ending;
}

Ending run_domains(const Invocation& invocation, Console& console, sim::WorkloadSpecs workloads) {
  const auto worlds = sim_command::worlds_of(invocation, workloads);
  if (!worlds.ok()) return worlds.error();
  const bool json = invocation.globals.json;
  if (worlds.value().seeds == 1) return run_one(invocation, worlds.value(), console);
  if (invocation.has("--trace"))
    return usage_failure("--trace records one world: do not combine it with --seeds", "troupe help sim");
  return run_many(worlds.value(), invocation.has("--twice"), console, json);
}

}  // namespace

Commands sim_commands() { return sim_commands(all_workloads()); }

Commands sim_commands(sim::WorkloadSpecs workloads) {
  auto options = sim_command::world_options();
  for (auto& one : sim_command::watch_options()) options.push_back(std::move(one));
  std::vector<std::string> names;
  for (const sim::WorkloadSpec* domain : workloads) names.emplace_back(domain->name);
  Commands out;
  out.push_back({.name = "sim",
                 .summary = "Run the production actors in simulated worlds, each drawn from a seed",
                 .options = std::move(options),
                 .positionals = {{.name = "DOMAIN[,DOMAIN...]",
                                  .help = "domains whose clients work, and whose invariants must hold",
                                  .suggestions = std::move(names)}},
                 .run = sim_command::simulating(run_domains, workloads)});
  for (auto command :
       {sim_command::run(workloads), sim_command::replay(workloads), sim_command::shrink(workloads),
        sim_command::list(workloads), sim_command::mutants(workloads), sim_command::churn(), sim_command::eclipse(),
        sim_command::survival(), sim_command::explore(), sim_command::collusion()})
    out.push_back(std::move(command));
  return out;
}

}  // namespace troupe::apps
