// troupe sim DOMAIN[,...] | sim list
#include "apps/sim.hpp"

#include <capnp/message.h>

#include <ostream>

#include "apps/json.hpp"
#include "apps/sim/apart.hpp"
#include "apps/sim/domains.hpp"
#include "apps/sim/options.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/trial.hpp"
#include "apps/terminal.hpp"

namespace troupe::apps {
namespace {

using sim_command::Worlds;

base::Instant real_now() { return base::Instant(std::chrono::steady_clock::now().time_since_epoch()); }

void print_json(std::ostream& out, const Outcome& outcome) {
  capnp::MallocMessageBuilder message;
  write(message.initRoot<output::wire::SimWorld>(), outcome);
  write_json_line(out, message.getRoot<output::wire::SimWorld>().asReader());
}

Outcome crash(const Worlds& worlds, std::uint64_t seed, const std::string& why) {
  Outcome out;
  for (const auto& name : worlds.draw.domains) out.domain += (out.domain.empty() ? "" : ",") + name;
  out.seed = seed;
  out.invariant = "sim.crash";
  out.why = "the world's process " + why;
  return out;
}

/// One world in this process: a debugger sees it, and its crash is ours.
Ending run_one(const Worlds& worlds, Console& console, bool json) {
  const sim::Scenario scenario = draw(worlds.seed, worlds.draw);
  const Outcome outcome = Trial(scenario).run();
  if (json) print_json(console.out, outcome);
  else print_world(console.out, scenario, outcome, world_words(worlds.draw, worlds.seed));
  return sim_command::exit_of(outcome);
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
    if (done.outcome) summary.add(*done.outcome);
    else summary.add_crash(done.tag, done.why);
    if (json) print_json(console.out, done.outcome ? *done.outcome : crash(worlds, done.tag, done.why));
    progress.update(summary.worlds(), real_now());
  }
  summary.wall = real_now() - from;
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

Ending run_domains(const Invocation& invocation, Console& console) {
  const auto worlds = sim_command::worlds_of(invocation);
  if (!worlds.ok()) return worlds.error();
  const bool json = invocation.globals.json;
  return worlds.value().seeds == 1 ? run_one(worlds.value(), console, json) : run_many(worlds.value(), console, json);
}

}  // namespace

Commands sim_commands() {
  Commands out;
  out.push_back(
      {.name = "sim",
       .summary = "Try the production actors in simulated worlds, each from one seed",
       .options = sim_command::world_options(),
       .positionals = {{.name = "DOMAIN[,DOMAIN...]", .help = "whose clients work, and whose invariants must hold"}},
       .run = run_domains});
  return out;
}

}  // namespace troupe::apps
