#pragma once
// The commands below `troupe sim`, and what they have in common: which worlds a command line asks for, and how a
// command ends.
#include "apps/cli/command.hpp"
#include "apps/sim/draw.hpp"
#include "apps/sim/outcome.hpp"
#include "apps/sim/twice.hpp"

namespace troupe::apps::sim_command {

// Each has a source of its own: run_command.cpp and so on.
Command run(sim::WorkloadSpecs workloads);
Command replay(sim::WorkloadSpecs workloads);
Command shrink(sim::WorkloadSpecs workloads);
Command list(sim::WorkloadSpecs workloads);
Command mutants(sim::WorkloadSpecs workloads);

// The DHT without actors, so that its networks can be large and live long (apps/sim/dht_model).
Command churn();
Command eclipse();
Command survival();
Command explore();
Command collusion();

/// Seeds `seed` to `seed + seeds - 1`, each drawn alike.
struct Worlds {
  DrawOptions draw;
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  unsigned jobs = 1;
};

/// --seed, of any 64 bits.
Option seed_option(std::string help);
/// --seed --nodes --time --calm --storm --beyond: of every command that draws a world.
std::vector<Option> seed_options();
/// Those, and --seeds and --jobs.
std::vector<Option> world_options();

/// Errors: usage, with the domains that there are.
base::Result<Worlds, Failure> worlds_of(const Invocation& invocation, sim::WorkloadSpecs workloads);

/// How a command line names that file to each of these commands: "churn" would be a domain, "./churn" is a file. A word
/// of a shell; empty for standard input, which cannot be read again.
std::string file_words(const std::string& path);

/// One world: drawn from --seed, or read from a scenario file, if the argument names one ("x.toml", "./x"). A file says
/// itself what options would: both together are refused.
struct OneWorld {
  sim::Scenario scenario;
  std::string run_words;  ///< behind "troupe sim": "files --seed 8412", "run x.toml"
  std::string words;      ///< that name it to a command: "files --seed 8412", "x.toml"
};
base::Result<OneWorld, Failure> world_of(const Invocation& invocation, sim::WorkloadSpecs workloads);

/// --twice and --trace.
std::vector<Option> watch_options();
/// Runs a world as those options say. Fails with exit 11 if two runs of it part.
base::Result<Outcome, Failure> watched(const Invocation& invocation, const sim::Scenario& scenario,
                                       sim::WorkloadSpecs workloads);
/// How a world ends that told() says was not the same twice.
Failure parted(const Outcome& outcome);

/// 0 held, 1 broken, 10 nothing was acknowledged, or there was no verdict.
Exit exit_of(const Outcome& outcome);

/// --jobs.
inline constexpr std::uint64_t kJobsMax = 256;  // our choice: beyond the cores of most machines
Option jobs_option(std::string help);
unsigned jobs_of(const Invocation& invocation);

using Run = std::function<Ending(const Invocation&, Console&)>;
/// A command whose own mistakes are exit 12: what it saw until then says nothing about the product.
Run simulating(Run work);
/// The same of a command that walks workloads.
Run simulating(Ending (*work)(const Invocation&, Console&, sim::WorkloadSpecs), sim::WorkloadSpecs workloads);

}  // namespace troupe::apps::sim_command
