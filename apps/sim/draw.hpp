#pragma once
// Draws a scenario from a seed: topology, enabled faults and their rates, knobs (randomized settings), policy, and the
// operations of clients.
//
// Source  Groce et al., "Swarm testing", 2012: a world with some faults disabled reaches states that a world with all
//         faults never does.
// Ends    calm: no faults, no knobs; storm: every fault, often; swarm: a random selection.
// Lost    faults that destroy acknowledged copies hit only the first nodes of a shuffled list, fewer nodes than the
//         copies that domains make; `beyond` lifts that limit.
#include <optional>
#include <string>
#include <vector>

#include "apps/sim/workloads.hpp"

namespace troupe::apps {

inline constexpr std::uint16_t kNodesDrawnMin = 3;  // our choice: the smallest number with a meaningful majority
inline constexpr std::uint16_t kNodesDrawnMax = 7;  // our choice: more are slower and seldom find more

enum class Weather : std::uint8_t { swarm, calm, storm };

struct DrawOptions {
  std::vector<std::string> domains;  ///< domains of `workloads`
  Weather weather = Weather::swarm;
  bool beyond = false;
  std::optional<std::uint16_t> nodes{};
  base::Duration time = std::chrono::seconds(60);
  sim::WorkloadSpecs workloads = all_workloads();
};

/// Whether worlds with `nodes` nodes, drawn by these options, may have faults of that kind.
bool may_draw(const sim::FaultSpec& spec, const DrawOptions& options, std::uint16_t nodes);

/// Returns a scenario within kFaultsMax and kOperationsMax, so that it can be written as a file and read again. A long
/// world has as many faults of each kind as fit, so its events are farther apart.
sim::Scenario draw(std::uint64_t seed, const DrawOptions& options);

/// Returns a world with that mutant of the domain: in turn a storm, a swarm and a calm world, because faults hide some
/// bugs.
sim::Scenario planted(std::string_view domain, std::string_view mutant, std::uint64_t seed,
                      sim::WorkloadSpecs workloads = all_workloads());

}  // namespace troupe::apps
