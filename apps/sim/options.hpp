#pragma once
// What the commands `troupe sim ...` have in common: which worlds a command line asks for, and how one ends.
#include "apps/command.hpp"
#include "apps/sim/draw.hpp"
#include "apps/sim/outcome.hpp"

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

/// 0 held, 1 broken, 10 nothing was acknowledged.
Exit exit_of(const Outcome& outcome);

}  // namespace troupe::apps::sim_command
