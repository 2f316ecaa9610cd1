// troupe sim mutants
#include <algorithm>
#include <filesystem>

#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/apart.hpp"
#include "apps/sim/mutant_worlds.hpp"
#include "apps/sim/options.hpp"
#include "apps/sim/report.hpp"
#include "apps/sim/scenario_source.hpp"
#include "apps/sim/trial.hpp"

namespace troupe::apps::sim_command {
namespace {

constexpr std::uint64_t kSeedsDefault = 500;
constexpr std::uint64_t kSeedsMax = 1'000'000;

struct Found {
  std::uint64_t seeds = 0;  // that were tried
  std::vector<Outcome> by;  // the requested number, in the order of their seeds
};

struct Hunt {
  std::uint64_t first = 1;
  std::uint64_t seeds = kSeedsDefault;
  unsigned jobs = 1;
  std::size_t wanted = 1;  // worlds
};

/// Returns the outcome of a world with a mutant. If the world also breaks without it, it proves nothing about the
/// mutant.
Outcome seen_by(sim::Scenario world, sim::WorkloadSpecs workloads) {
  Outcome out = Trial(world, workloads).run();
  world.mutations.clear();
  if (out.broken() && Trial(world, workloads).run().broken()) out.invariant.clear();
  return out;
}

/// Finds the first seeds in whose worlds an invariant breaks. Fails if the system cannot start a process.
base::Result<Found, Failure> hunt(const std::string& domain, std::string_view mutant, const Hunt& plan,
                                  sim::WorkloadSpecs workloads) {
  std::map<std::uint64_t, std::optional<Outcome>> ended;
  Found out;
  const auto work = [&](std::uint64_t place) {
    return seen_by(planted(domain, mutant, plan.first + place, workloads), workloads);
  };
  const auto ran = run_apart(plan.jobs, plan.seeds, work, [&](Apart::Done done) {
    ended.emplace(done.tag, std::move(done.outcome));
    const auto enough = [&] { return out.by.size() >= plan.wanted; };
    for (auto next = ended.find(out.seeds); next != ended.end() && !enough(); next = ended.find(out.seeds)) {
      ++out.seeds;
      if (next->second && next->second->broken()) out.by.push_back(*std::move(next->second));
      ended.erase(next);
    }
    return !enough();
  });
  if (!ran.ok()) return Failure{ran.error(), "", "fewer --jobs", Exit::simulator_failed};
  return out;
}

void print_json(std::ostream& out, std::string_view domain, std::string_view mutant, const Found& found) {
  JsonLine<output::wire::SimMutant> line;
  line->setDomain(std::string(domain));
  line->setMutant(std::string(mutant));
  line->setFound(!found.by.empty());
  line->setSeeds(found.seeds);
  if (!found.by.empty()) {
    line->getSeed().setValue(found.by.front().seed);
    line->setInvariant(found.by.front().invariant);
  }
  line.print(out);
}

/// Returns whether all recorded worlds still detect the mutant, in the same way.
base::Result<bool, Failure> still_shown(const std::string& domain, const MutantWorlds& known, unsigned jobs,
                                        sim::WorkloadSpecs workloads) {
  std::size_t seen = 0;
  const auto work = [&](std::uint64_t place) {
    return seen_by(planted(domain, known.mutant, known.seeds[place], workloads), workloads);
  };
  const auto ran = run_apart(jobs, known.seeds.size(), work, [&](Apart::Done done) {
    const bool shown = done.outcome && std::ranges::count(known.by, done.outcome->invariant) > 0;
    seen += shown ? 1 : 0;
    return shown;
  });
  if (!ran.ok()) return Failure{ran.error(), "", "fewer --jobs", Exit::simulator_failed};
  return seen == known.seeds.size();
}

MutantWorlds record(std::string_view mutant, const std::vector<Outcome>& worlds, bool night) {
  MutantWorlds out{.mutant = std::string(mutant), .night = night};
  for (const Outcome& one : worlds) {
    out.seeds.push_back(one.seed);
    if (std::ranges::count(out.by, one.invariant) == 0) out.by.push_back(one.invariant);
  }
  return out;
}

/// Writes worlds for each mutant of the domain to the file `path`. Keeps recorded worlds that still detect their
/// mutant, also if it finds no new world that does.
Ending record_all(const Invocation& invocation, Console& console, const sim::WorkloadSpec& domain,
                  const std::string& path, Hunt plan, sim::WorkloadSpecs workloads) {
  std::vector<MutantWorlds> known, all;
  if (std::filesystem::exists(path)) {
    auto read = read_mutant_worlds(path);
    if (!read.ok()) return read.error();
    known = std::move(read).value();
  }
  plan.wanted = kMutantWorlds;
  std::size_t missed = 0;
  for (const sim::Named& mutant : domain.mutants) {
    if (Interrupts::noted() != 0) Interrupts::obey();
    const auto old = std::ranges::find(known, mutant.name, &MutantWorlds::mutant);
    if (old != known.end()) {
      const auto shown = still_shown(std::string(domain.name), *old, plan.jobs, workloads);
      if (!shown.ok()) return shown.error();
      if (shown.value()) {
        all.push_back(*old);
        continue;
      }
    }
    const auto found = hunt(std::string(domain.name), mutant.name, plan, workloads);
    if (!found.ok()) return found.error();
    if (!found.value().by.empty())
      all.push_back(record(mutant.name, found.value().by, old != known.end() && old->night));
    else if (++missed; old != known.end()) all.push_back(*old);
    if (invocation.globals.json) print_json(console.out, domain.name, mutant.name, found.value());
    else if (found.value().by.empty()) console.out << mutant.name << " was not detected\n";
    else console.out << mutant_worlds_line(all.back());
    console.out.flush();
  }
  if (const auto saved = save_text(path, mutant_worlds_text(all)); !saved.ok()) return saved.error();
  return missed == 0 ? Exit::done : Exit::failed;
}

Ending hunt_all(const Invocation& invocation, Console& console, sim::WorkloadSpecs workloads) {
  const Hunt plan{invocation.number("--seed").value_or(1), invocation.number("--seeds").value_or(kSeedsDefault),
                  jobs_of(invocation)};
  const auto only = invocation.text("MUTANT");
  const auto path = invocation.text("-o");
  if (const auto file = invocation.text("--record")) {
    const auto domain = std::ranges::find(workloads, only.value_or(""), &sim::WorkloadSpec::name);
    if (domain == workloads.end())
      return usage_failure("--record writes the worlds of one domain: give its name",
                           "troupe sim mutants DOMAIN --record FILE");
    return record_all(invocation, console, **domain, *file, plan, workloads);
  }
  TextTable table({{"MUTANT"}, {"FOUND"}, {"SEEDS", Align::right}, {"SEED", Align::right}, {"BY"}});
  std::size_t tried = 0, missed = 0;
  for (const sim::WorkloadSpec* domain : workloads) {
    for (const sim::Named& mutant : domain->mutants) {
      if (only && *only != mutant.name && *only != domain->name) continue;
      if (path && (!only || *only != mutant.name))
        return usage_failure("-o writes the world of one mutant: give its name", "troupe sim mutants MUTANT -o FILE");
      if (Interrupts::noted() != 0) Interrupts::obey();
      const auto found = hunt(std::string(domain->name), mutant.name, plan, workloads);
      if (!found.ok()) return found.error();
      const std::vector<Outcome>& by = found.value().by;
      ++tried;
      if (by.empty()) ++missed;
      if (path && !by.empty()) {
        const Outcome& seen = by.front();
        const auto saved =
            save_scenario(*path, planted(std::string(domain->name), mutant.name, seen.seed, workloads),
                          "Breaks " + seen.invariant + ", with the mutant " + std::string(mutant.name), workloads);
        if (!saved.ok()) return saved.error();
      }
      if (invocation.globals.json) {
        print_json(console.out, domain->name, mutant.name, found.value());
        console.out.flush();
        continue;
      }
      table.add({std::string(mutant.name), by.empty() ? "no" : "yes", std::to_string(found.value().seeds),
                 by.empty() ? "-" : std::to_string(by.front().seed), by.empty() ? "-" : by.front().invariant});
    }
  }
  if (tried == 0) return usage_failure("no mutant and no domain has that name", "troupe sim list");
  if (!invocation.globals.json) table.print(console.out);
  return missed == 0 ? Exit::done : Exit::failed;
}

}  // namespace

Command mutants(sim::WorkloadSpecs workloads) {
  return {
      .name = "sim mutants",
      .summary = "Enable each mutant in turn, and count the worlds until an invariant detects it",
      .options = {number_option("--seed", "S", "seed of the first world (default 1)", 0, 1ull << 62),
                  number_option("--seeds", "N", "number of worlds to try for each mutant (default 500)", 1, kSeedsMax),
                  jobs_option("number of worlds that run at once (default 1)"),
                  {.name = "-o",
                   .value = "FILE",
                   .help = "file for the world in which the mutant was detected, as a scenario",
                   .alias = "--output"},
                  {.name = "--record",
                   .value = "FILE",
                   .help = "one domain's recorded worlds; replaces those that no longer detect their mutant"}},
      .positionals = {{.name = "MUTANT",
                       .help = "name of the only mutant to try, as `sim list` prints it, or of its domain",
                       .arity = Arity::maybe}},
      .run = simulating(hunt_all, workloads)};
}

}  // namespace troupe::apps::sim_command
