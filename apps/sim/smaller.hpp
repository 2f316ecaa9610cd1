#pragma once
// A scenario with something left out or made simpler. Pure functions; shrink.hpp decides which to try.
#include <optional>
#include <span>
#include <vector>

#include "apps/sim/scenario_file.hpp"

namespace troupe::apps {

/// Its events until `end`, which becomes the end of its time with faults, in whole seconds.
sim::Scenario until(sim::Scenario scenario, base::Duration end);

/// Nodes that no fault and no operation needs, in order. A set of nodes gets along without some of its own.
std::vector<std::uint16_t> idle_nodes(const sim::Scenario& scenario, sim::WorkloadSpecs specs);

/// Without those nodes, in order, and the others counted anew. Nothing if none would be left, or none in some set.
std::optional<sim::Scenario> without_nodes(const sim::Scenario& scenario, sim::WorkloadSpecs specs,
                                           std::span<const std::uint16_t> nodes);

/// A node of the set that a fault names, which names others, too.
struct Member {
  std::size_t fault;
  std::uint16_t node;
};
std::vector<Member> members(const sim::Scenario& scenario);

/// Events whose moment is not a multiple of `grain`; faults first, then operations.
std::vector<std::size_t> odd_moments(const sim::Scenario& scenario, base::Duration grain);
/// With those moved back to one; all stay sorted.
sim::Scenario moved(sim::Scenario scenario, std::span<const std::size_t> events, base::Duration grain);

/// A number that says how long or how much.
struct Size {
  enum class Of : std::uint8_t { span, amount, operations };
  Of of;
  std::size_t fault;
  std::string name;    // of a number that operations have; all that say the same mean the same thing
  std::int64_t was;    // of a span: nanoseconds
  std::int64_t least;  // the smallest that it may become
};
/// Those that are larger than they must be, in order of size: of faults all, of operations what is beyond kPlainMax.
std::vector<Size> sizes(const sim::Scenario& scenario, sim::WorkloadSpecs specs);
void resize(sim::Scenario& scenario, const Size& size, std::int64_t value);

/// Our choice: smaller numbers of operations are names rather than sizes.
inline constexpr std::int64_t kPlainMax = 1'000;
inline constexpr base::Duration kSpanMin = std::chrono::milliseconds(100);  // our choice: shorter says nothing more

/// Towards zero, to one digit and zeros: 8,317 is 8,000.
std::int64_t rounded(std::int64_t number);

}  // namespace troupe::apps
