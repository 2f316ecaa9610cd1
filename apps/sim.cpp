// troupe sim DOMAIN[,...]
#include "apps/sim.hpp"

#include <capnp/message.h>

#include <ostream>

#include "apps/json.hpp"
#include "apps/sim/apart.hpp"
#include "apps/sim/commands.hpp"
#include "apps/sim/domains.hpp"
#include "apps/sim/options.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/trial.hpp"
#include "apps/terminal.hpp"

namespace troupe::apps {
namespace {

using sim_command::Worlds;

Outcome crash(const Worlds& worlds, std::uint64_t seed, const std::string& why) {
  Outcome out;
  out.domain = domains_word(worlds.draw.domains);
  out.seed = seed;
  out.invariant = "sim.crash";
  out.why = "the world's process " + why;
  return out;
}

Ending conclude(const Summary& summary, const Worlds& worlds, Console& console, bool json) {
  if (json) {
    capnp::MallocMessageBuilder message;
    summary.write(message.initRoot<output::wire::SimSummary>());
    write_json_line(console.out, message.getRoot<output::wire::SimSummary>().asReader());
  } else {
    summary.print(console.out, worlds.draw);
  }
  if (summary.broken() > 0) return Exit::failed;
  if (summary.crashed() > 0) return Exit::simulator_failed;
  return summary.acknowledged() == 0 || !summary.never_reached().empty() ? Exit::nothing_checked : Exit::done;
}

/// One world in this process: a debugger sees it, and its crash is ours.
Ending run_one(const Invocation& invocation, const Worlds& worlds, Console& console) {
  const sim::Scenario scenario = draw(worlds.seed, worlds.draw);
  const auto outcome = sim_command::watched(invocation, scenario);
  if (!outcome.ok()) return outcome.error();
  if (invocation.globals.json) print_json(console.out, outcome.value());
  else print_world(console.out, scenario, outcome.value(), world_words(worlds.draw, worlds.seed));
  return sim_command::exit_of(outcome.value());
}

/// The worlds of a batch by --twice, one after the other.
Ending run_twice_each(const Worlds& worlds, Console& console, bool json) {
  const base::Instant from = real_now();
  Summary summary(worlds.draw.domains, worlds.draw.weather == Weather::storm);
  Progress progress(console, "worlds", worlds.seeds, from, Progress::Unit::count);
  for (std::uint64_t seed = worlds.seed; seed < worlds.seed + worlds.seeds; ++seed) {
    const sim::Scenario scenario = draw(seed, worlds.draw);
    const Twice twice = run_twice(scenario);
    if (twice.parted) return sim_command::parted(twice);
    summary.add(twice.outcome);
    if (json) print_json(console.out, twice.outcome);
    progress.update(summary.worlds(), real_now());
  }
  summary.wall = real_now() - from;
  return conclude(summary, worlds, console, json);
}

Ending run_many(const Worlds& worlds, Console& console, bool json) {
  const base::Instant from = real_now();
  Summary summary(worlds.draw.domains, worlds.draw.weather == Weather::storm);
  Apart apart(worlds.jobs);
  Progress progress(console, "worlds", worlds.seeds, from, Progress::Unit::count);
  std::uint64_t begun = 0;
  while (begun < worlds.seeds || !apart.empty()) {
    while (begun < worlds.seeds && !apart.full()) {
      const std::uint64_t seed = worlds.seed + begun;
      const auto started = apart.start(seed, [&] { return Trial(draw(seed, worlds.draw)).run(); });
      if (!started.ok()) return Failure{started.error(), "", "fewer --jobs", Exit::simulator_failed};
      ++begun;
    }
    const Apart::Done done = apart.next();
    const Outcome outcome = done.outcome ? *done.outcome : crash(worlds, done.tag, done.why);
    if (done.outcome) summary.add(outcome);
    else summary.add_crash(outcome);
    if (json) print_json(console.out, outcome);
    progress.update(summary.worlds(), real_now());
  }
  summary.wall = real_now() - from;
  return conclude(summary, worlds, console, json);
}

Ending run_domains(const Invocation& invocation, Console& console) {
  const auto worlds = sim_command::worlds_of(invocation);
  if (!worlds.ok()) return worlds.error();
  const bool json = invocation.globals.json;
  if (worlds.value().seeds == 1) return run_one(invocation, worlds.value(), console);
  if (invocation.has("--trace")) return usage_failure("--trace is of one world, not of many", "troupe help sim");
  return invocation.has("--twice") ? run_twice_each(worlds.value(), console, json)
                                   : run_many(worlds.value(), console, json);
}

}  // namespace

Commands sim_commands() {
  auto options = sim_command::world_options();
  for (auto& one : sim_command::watch_options()) options.push_back(std::move(one));
  Commands out;
  out.push_back(
      {.name = "sim",
       .summary = "Try the production actors in simulated worlds, each from one seed",
       .options = std::move(options),
       .positionals = {{.name = "DOMAIN[,DOMAIN...]", .help = "whose clients work, and whose invariants must hold"}},
       .run = run_domains});
  for (auto command :
       {sim_command::run(), sim_command::replay(), sim_command::shrink(), sim_command::list(), sim_command::mutants()})
    out.push_back(std::move(command));
  return out;
}

}  // namespace troupe::apps
