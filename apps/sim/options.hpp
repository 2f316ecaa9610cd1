#pragma once
// What the commands `troupe sim ...` have in common: which worlds a command line asks for, and how one ends.
#include "apps/command.hpp"
#include "apps/sim/draw.hpp"
#include "apps/sim/outcome.hpp"
#include "apps/sim/twice.hpp"

namespace troupe::apps::sim_command {

/// Seeds `seed` to `seed + seeds - 1`, each drawn alike.
struct Worlds {
  DrawOptions draw;
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  unsigned jobs = 1;
};

/// --seed --nodes --time --calm --storm --beyond: of every command that draws a world.
std::vector<Option> seed_options();
/// Those, and --seeds and --jobs.
std::vector<Option> world_options();

/// Errors: usage, with the domains that there are.
base::Result<Worlds, Failure> worlds_of(const Invocation& invocation);

/// One world: drawn from --seed, or read from a scenario file, if the argument names one ("x.toml", "./x").
struct OneWorld {
  sim::Scenario scenario;
  std::string words;  ///< that name it to a command: "files --seed 8412", "x.toml"
};
base::Result<OneWorld, Failure> world_of(const Invocation& invocation);

/// --twice and --trace.
std::vector<Option> watch_options();
/// Runs a world as those options say. Fails with exit 11 if two runs of it part.
base::Result<Outcome, Failure> watched(const Invocation& invocation, const sim::Scenario& scenario);
/// What that failure says.
Failure parted(const Twice& twice);

/// 0 held, 1 broken, 10 nothing was acknowledged.
Exit exit_of(const Outcome& outcome);

}  // namespace troupe::apps::sim_command
