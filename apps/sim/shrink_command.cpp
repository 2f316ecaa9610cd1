// troupe sim shrink DOMAIN[,...]|FILE -o FILE
#include "apps/cli/file_target.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/alike.hpp"
#include "apps/sim/apart.hpp"
#include "apps/sim/options.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/scenario_source.hpp"
#include "apps/sim/shrink.hpp"
#include "apps/sim/trial.hpp"

namespace troupe::apps::sim_command {
namespace {

constexpr std::uint64_t kSecondsDefault = 60;
constexpr std::uint64_t kSecondsMax = 86'400;

/// Runs candidates in separate processes; returns the first in their order that fails as `failure` did.
std::optional<std::size_t> first_alike(std::span<const sim::Scenario> candidates, const Outcome& failure, unsigned jobs,
                                       sim::WorkloadSpecs workloads) {
  std::vector<std::optional<bool>> alike_at(candidates.size());
  std::size_t judged = 0;  // all candidates before it failed differently
  const auto work = [&](std::uint64_t place) { return Trial(candidates[place], workloads).run(); };
  const auto ran = run_apart(jobs, candidates.size(), work, [&](const Apart::Done& done) {
    alike_at[done.tag] = done.outcome && alike(*done.outcome, failure);
    while (judged < alike_at.size() && alike_at[judged] == false) ++judged;
    return judged < alike_at.size() && !alike_at[judged];
  });
  const bool found = ran.ok() && judged < alike_at.size() && alike_at[judged];
  return found ? std::optional(judged) : std::nullopt;
}

Ending shrink_world(const Invocation& invocation, Console& console, sim::WorkloadSpecs workloads) {
  const auto world = world_of(invocation, workloads);
  if (!world.ok()) return world.error();
  const auto path = invocation.text("-o");
  if (!path)
    return usage_failure("-o FILE is missing: give the file for the smaller scenario", "troupe help sim shrink");
  // Created and removed again: an unwritable file is reported before all the work, and an interrupted command leaves
  // nothing behind.
  if (const auto target = FileTarget::open(*path); !target.ok()) return target.error();
  const sim::Scenario& failing = world.value().scenario;
  const Outcome failure = Trial(failing, workloads).run();
  if (!failure.broken())
    return Failure{{base::Code::not_found, "nothing to shrink: everything holds in that world"},
                   "no scenario was written",
                   "troupe sim " + world.value().run_words};
  const unsigned jobs = jobs_of(invocation);
  const Interrupts interrupts;  // partial progress is worth keeping
  const base::Instant from = real_now();
  const base::Duration patience = std::chrono::seconds(invocation.number("--seconds").value_or(kSecondsDefault));
  ShrinkLimits limits{.at_once = jobs};
  limits.out_of_time = [&] { return real_now() - from > patience || Interrupts::noted() != 0; };
  Progress progress(console, "tries", 0, from, Progress::Unit::count);
  const Shrunk shrunk = shrink(
      failing, failure.at, workloads,
      [&](std::span<const sim::Scenario> candidates) { return first_alike(candidates, failure, jobs, workloads); },
      limits, [&](const ShrinkStep& step) { progress.update(step.tries, real_now()); });
  const Outcome smallest = Trial(shrunk.smallest, workloads).run();
  const std::string about =
      "Breaks " + smallest.invariant + ": " + smallest.why + "\nShrunk from " + std::to_string(failing.faults.size()) +
      " faults and " + std::to_string(failing.operations.size()) + " operations: troupe sim " + world.value().run_words;
  if (auto saved = save_scenario(*path, shrunk.smallest, about, workloads); !saved.ok()) return saved.error();
  std::ostream& out = *path == "-" ? console.err : console.out;  // there the scenario goes to standard output
  print(out, invocation.globals.json, shrunk.smallest, smallest, "");
  if (invocation.globals.json) return Exit::done;
  out << "shrunk:  " << failing.faults.size() << " faults to " << shrunk.smallest.faults.size() << ", "
      << failing.operations.size() << " operations to " << shrunk.smallest.operations.size() << ", " << failing.nodes
      << " nodes to " << shrunk.smallest.nodes << "; " << shrunk.tries << " tries"
      << (shrunk.finished ? "" : "; out of time, --seconds gives it more") << '\n';
  if (*path != "-") out << "run it:  troupe sim run " << file_words(*path) << '\n';
  out.flush();
  Interrupts::obey();
  return Exit::done;
}

}  // namespace

Command shrink(sim::WorkloadSpecs workloads) {
  auto options = seed_options();
  options.push_back(
      {.name = "-o", .value = "FILE", .help = "file to write the smaller scenario to", .alias = "--output"});
  options.push_back(number_option("--seconds", "S", "stop after S seconds (default 60)", 1, kSecondsMax));
  options.push_back(jobs_option("number of candidates that run at once (default 1)"));
  return {.name = "sim shrink",
          .summary = "Find the smallest world that fails in the same way, and write it as a scenario",
          .options = std::move(options),
          .positionals = {{.name = "DOMAIN[,DOMAIN...]|FILE",
                           .help = "domains as for `sim`, or a scenario file; the world must fail"}},
          .run = simulating(shrink_world, workloads)};
}

}  // namespace troupe::apps::sim_command
