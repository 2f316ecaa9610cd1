// troupe sim shrink DOMAIN[,...]|FILE -o FILE
#include <ostream>

#include "apps/shell_word.hpp"
#include "apps/sim/apart.hpp"
#include "apps/sim/commands.hpp"
#include "apps/sim/options.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/scenario_source.hpp"
#include "apps/sim/shrink.hpp"
#include "apps/sim/trial.hpp"
#include "apps/terminal.hpp"

namespace troupe::apps::sim_command {
namespace {

constexpr std::uint64_t kSecondsDefault = 60;
constexpr std::uint64_t kSecondsMax = 86'400;
constexpr std::uint64_t kJobsMax = 256;

/// Runs candidates in processes of their own; the first in their order that fails as `failure` did.
std::optional<std::size_t> first_alike(std::span<const sim::Scenario> candidates, const Outcome& failure,
                                       unsigned jobs) {
  Apart apart(jobs);
  std::vector<std::optional<bool>> alike_at(candidates.size());
  std::size_t begun = 0;
  while (true) {
    while (begun < candidates.size() && !apart.full()) {
      const sim::Scenario& candidate = candidates[begun];
      if (!apart.start(begun, [&candidate] { return Trial(candidate).run(); }).ok()) break;
      ++begun;
    }
    for (std::size_t i = 0; i < candidates.size() && alike_at[i]; ++i)
      if (*alike_at[i]) return i;
    if (apart.empty()) return std::nullopt;
    const Apart::Done done = apart.next();
    alike_at[done.tag] = done.outcome && alike(*done.outcome, failure);
  }
}

Ending shrink_world(const Invocation& invocation, Console& console) {
  const auto world = world_of(invocation);
  if (!world.ok()) return world.error();
  const auto path = invocation.text("-o");
  if (!path) return usage_failure("-o FILE is missing: where the smaller scenario goes", "troupe help sim shrink");
  const sim::Scenario& failing = world.value().scenario;
  const Outcome failure = Trial(failing).run();
  if (failure.held())
    return Failure{{base::Code::not_found, "nothing to shrink: everything holds in that world"},
                   "no scenario was written",
                   "troupe sim " + world.value().words};
  const auto jobs = static_cast<unsigned>(invocation.number("--jobs").value_or(1));
  const base::Instant from = real_now();
  const base::Duration patience = std::chrono::seconds(invocation.number("--seconds").value_or(kSecondsDefault));
  ShrinkLimits limits{.at_once = jobs};
  limits.out_of_time = [&] { return real_now() - from > patience; };
  Progress progress(console, "tries", 0, from, Progress::Unit::count);
  const Shrunk shrunk = shrink(
      failing, failure.at, all_cards(),
      [&](std::span<const sim::Scenario> candidates) { return first_alike(candidates, failure, jobs); }, limits,
      [&](const ShrinkStep& step) { progress.update(step.tries, real_now()); });
  const Outcome smallest = Trial(shrunk.smallest).run();
  const std::string about = "Breaks " + smallest.invariant + ": " + smallest.why + "\nShrunk from " +
                            std::to_string(failing.faults.size()) + " faults and " +
                            std::to_string(failing.orders.size()) + " orders: troupe sim " + world.value().words;
  if (auto saved = save_scenario(*path, shrunk.smallest, about); !saved.ok()) return saved.error();
  if (invocation.globals.json) {
    print_json(console.out, smallest);
    return Exit::done;
  }
  print_world(console.out, shrunk.smallest, smallest, "");
  console.out << "shrunk:  " << failing.faults.size() << " faults to " << shrunk.smallest.faults.size() << ", "
              << failing.orders.size() << " orders to " << shrunk.smallest.orders.size() << ", " << failing.nodes
              << " nodes to " << shrunk.smallest.nodes << "; " << shrunk.tries << " tries"
              << (shrunk.finished ? "" : "; out of time, --seconds gives it more") << '\n';
  console.out << "run it:  troupe sim run " << shell_word(*path) << '\n';
  return Exit::done;
}

}  // namespace

Command shrink() {
  auto options = seed_options();
  options.push_back({.name = "-o", .value = "FILE", .help = "where the smaller scenario goes", .alias = "--output"});
  options.push_back(
      {.name = "--seconds", .value = "S", .help = "stop after so long (60)", .min = 1, .max = kSecondsMax});
  options.push_back({.name = "--jobs", .value = "N", .help = "candidates at once (1)", .min = 1, .max = kJobsMax});
  return {.name = "sim shrink",
          .summary = "Find the smallest world that fails in the same way, and write it as a scenario",
          .options = std::move(options),
          .positionals = {{.name = "DOMAIN[,DOMAIN...]|FILE", .help = "as for sim, or a scenario that fails"}},
          .run = shrink_world};
}

}  // namespace troupe::apps::sim_command
