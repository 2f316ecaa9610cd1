// troupe sim mutants
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/apart.hpp"
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
  std::optional<Outcome> by;
};

struct Hunt {
  std::uint64_t first = 1;
  std::uint64_t seeds = kSeedsDefault;
  unsigned jobs = 1;
};

/// What came of a world with a planted bug. One that breaks without it, too, says nothing about the bug.
Outcome seen_by(sim::Scenario world, sim::WorkloadSpecs workloads) {
  Outcome out = Trial(world, workloads).run();
  world.mutations.clear();
  if (out.broken() && Trial(world, workloads).run().broken()) out.invariant.clear();
  return out;
}

/// The first seed in whose world something does not hold. Fails if the system has no room for a process.
base::Result<Found, Failure> hunt(const std::string& domain, std::string_view mutant, const Hunt& plan,
                                  sim::WorkloadSpecs workloads) {
  std::map<std::uint64_t, std::optional<Outcome>> ended;
  Found out;
  const auto work = [&](std::uint64_t place) {
    return seen_by(planted(domain, mutant, plan.first + place, workloads), workloads);
  };
  const auto ran = run_apart(plan.jobs, plan.seeds, work, [&](Apart::Done done) {
    ended.emplace(done.tag, std::move(done.outcome));
    for (auto next = ended.find(out.seeds); next != ended.end() && !out.by; next = ended.find(out.seeds)) {
      ++out.seeds;
      if (next->second && next->second->broken()) out.by = std::move(next->second);
      ended.erase(next);
    }
    return !out.by;
  });
  if (!ran.ok()) return Failure{ran.error(), "", "fewer --jobs", Exit::simulator_failed};
  return out;
}

void print_json(std::ostream& out, std::string_view domain, std::string_view mutant, const Found& found) {
  JsonLine<output::wire::SimMutant> line;
  line->setDomain(std::string(domain));
  line->setMutant(std::string(mutant));
  line->setFound(found.by.has_value());
  line->setSeeds(found.seeds);
  if (found.by) {
    line->getSeed().setValue(found.by->seed);
    line->setInvariant(found.by->invariant);
  }
  line.print(out);
}

Ending hunt_all(const Invocation& invocation, Console& console, sim::WorkloadSpecs workloads) {
  const Hunt plan{invocation.number("--seed").value_or(1), invocation.number("--seeds").value_or(kSeedsDefault),
                  jobs_of(invocation)};
  const auto only = invocation.text("MUTANT");
  const auto path = invocation.text("-o");
  if (path && !only)
    return usage_failure("-o writes the world of one bug: which one?", "troupe sim mutants MUTANT -o FILE");
  TextTable table({{"MUTANT"}, {"FOUND"}, {"SEEDS", Align::right}, {"SEED", Align::right}, {"BY"}});
  std::size_t tried = 0, missed = 0;
  for (const sim::WorkloadSpec* domain : workloads) {
    for (const sim::Named& mutant : domain->mutants) {
      if (only && *only != mutant.name) continue;
      if (Interrupts::noted() != 0) Interrupts::obey();
      const auto found = hunt(std::string(domain->name), mutant.name, plan, workloads);
      if (!found.ok()) return found.error();
      ++tried;
      if (!found.value().by) ++missed;
      if (path && found.value().by) {
        const Outcome& seen = *found.value().by;
        const auto saved =
            save_scenario(*path, planted(std::string(domain->name), mutant.name, seen.seed, workloads),
                          "Breaks " + seen.invariant + ", with the planted bug " + std::string(mutant.name), workloads);
        if (!saved.ok()) return saved.error();
      }
      if (invocation.globals.json) {
        print_json(console.out, domain->name, mutant.name, found.value());
        console.out.flush();
        continue;
      }
      const auto& by = found.value().by;
      table.add({std::string(mutant.name), by ? "yes" : "no", std::to_string(found.value().seeds),
                 by ? std::to_string(by->seed) : "-", by ? by->invariant : "-"});
    }
  }
  if (tried == 0) return usage_failure("no planted bug has that name", "troupe sim list");
  if (!invocation.globals.json) table.print(console.out);
  return missed == 0 ? Exit::done : Exit::failed;
}

}  // namespace

Command mutants(sim::WorkloadSpecs workloads) {
  return {.name = "sim mutants",
          .summary = "Plant each known bug, and count the worlds until an invariant finds it",
          .options = {number_option("--seed", "S", "seed of the first world (1)", 0, 1ull << 62),
                      number_option("--seeds", "N", "number of worlds to try for each bug (500)", 1, kSeedsMax),
                      jobs_option("number of worlds that run at once (1)"),
                      {.name = "-o",
                       .value = "FILE",
                       .help = "file for the world in which MUTANT was seen, as a scenario",
                       .alias = "--output"}},
          .positionals = {{.name = "MUTANT",
                           .help = "name of the only bug to plant, as `sim list` prints it",
                           .arity = Arity::maybe}},
          .run = simulating(hunt_all, workloads)};
}

}  // namespace troupe::apps::sim_command
