#pragma once
// Shared parts of the commands `troupe sim …`: the worlds that a command line asks for, and how a command ends.
#include "apps/cli/command.hpp"
#include "apps/sim/draw.hpp"
#include "apps/sim/outcome.hpp"
#include "apps/sim/twice.hpp"

namespace troupe::apps::sim_command {

// Each of these has its own source file: run_command.cpp and so on.
Command run(sim::WorkloadSpecs workloads);
Command replay(sim::WorkloadSpecs workloads);
Command shrink(sim::WorkloadSpecs workloads);
Command list(sim::WorkloadSpecs workloads);
Command mutants(sim::WorkloadSpecs workloads);

// These simulate the DHT without actors, so that networks can be large and live long (apps/sim/dht_model).
Command churn();
Command eclipse();
Command survival();
Command explore();
Command collusion();

/// The worlds of the seeds `seed` to `seed + seeds - 1`, all drawn with the same options.
struct Worlds {
  DrawOptions draw;
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  unsigned jobs = 1;
};

/// Returns --seed, which takes any 64 bits.
Option seed_option(std::string help);
/// Returns --seed --nodes --time --calm --storm --beyond, for every command that draws a world.
std::vector<Option> seed_options();
/// Returns the seed_options(), --seeds and --jobs.
std::vector<Option> world_options();

/// Errors: usage, with the list of domains.
base::Result<Worlds, Failure> worlds_of(const Invocation& invocation, sim::WorkloadSpecs workloads);

/// Returns the words by which a command line names that file: "./churn" for the file churn, because "churn" would be a
/// domain. Escaped for a shell; empty for standard input, which cannot be read again.
std::string file_words(const std::string& path);

/// One world: drawn from --seed, or read from a file if the argument names a scenario file ("x.toml", "./x"). Options
/// that a file already defines are refused.
struct OneWorld {
  sim::Scenario scenario;
  std::string run_words;  ///< after "troupe sim": "files --seed 8412", "run x.toml"
  std::string words;      ///< words by which a command names the world: "files --seed 8412", "x.toml"
};
base::Result<OneWorld, Failure> world_of(const Invocation& invocation, sim::WorkloadSpecs workloads);

/// Returns --twice and --trace.
std::vector<Option> watch_options();
/// Runs a world with the options --twice and --trace. Fails with exit 11 if two runs of it differ.
base::Result<Outcome, Failure> watched(const Invocation& invocation, const sim::Scenario& scenario,
                                       sim::WorkloadSpecs workloads);
/// Returns the failure of a world whose two runs differ, according to told().
Failure parted(const Outcome& outcome);

/// Returns the exit: 0 if all invariants held, 1 if an invariant broke, 10 if nothing was acknowledged or there is no
/// verdict.
Exit exit_of(const Outcome& outcome);

/// Returns --jobs.
inline constexpr std::uint64_t kJobsMax = 256;  // our choice: more than the cores of most machines
Option jobs_option(std::string help);
unsigned jobs_of(const Invocation& invocation);

using Run = std::function<Ending(const Invocation&, Console&)>;
/// Wraps a command so that bugs of the simulator exit with 12: results until then say nothing about nodes.
Run simulating(Run work);
/// Does the same for a command that walks workloads.
Run simulating(Ending (*work)(const Invocation&, Console&, sim::WorkloadSpecs), sim::WorkloadSpecs workloads);

}  // namespace troupe::apps::sim_command
