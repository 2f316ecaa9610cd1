#pragma once
// Draws a scenario from a seed: topology, which faults are on and how often, knobs, policy, and what clients do.
//
// Source  Groce et al., "Swarm testing", 2012: a world in which some faults are off goes where one with all never does.
// Ends    calm: no fault, no knob; storm: every fault, often; swarm: anything between.
// Lost    faults that destroy acknowledged copies keep to the first nodes of a shuffled list, fewer than the copies of
//         what domains put; beyond() lifts that.
#include <optional>
#include <string>
#include <vector>

#include "apps/sim/workloads.hpp"

namespace troupe::apps {

inline constexpr std::uint16_t kNodesDrawnMin = 3;  // our choice: the smallest in which a majority means something
inline constexpr std::uint16_t kNodesDrawnMax = 7;  // our choice: more are slower and seldom find more

enum class Weather : std::uint8_t { swarm, calm, storm };

struct DrawOptions {
  std::vector<std::string> domains;  ///< of `workloads`
  Weather weather = Weather::swarm;
  bool beyond = false;
  std::optional<std::uint16_t> nodes{};
  base::Duration time = std::chrono::seconds(60);
  sim::WorkloadSpecs workloads = all_workloads();
};

/// Whether worlds with `nodes` nodes, drawn by these options, may have faults of that kind.
bool may_draw(const sim::FaultSpec& spec, const DrawOptions& options, std::uint16_t nodes);

/// Within kFaultsMax and kOperationsMax: what is drawn can be written as a file and read again. Of each kind of fault a
/// long world has as many as fit, so that its events lie farther apart.
sim::Scenario draw(std::uint64_t seed, const DrawOptions& options);

/// A world with a planted bug of that domain: in turn a storm, a swarm and a calm one, for some bugs hide behind
/// faults.
sim::Scenario planted(std::string_view domain, std::string_view mutant, std::uint64_t seed,
                      sim::WorkloadSpecs workloads = all_workloads());

}  // namespace troupe::apps
