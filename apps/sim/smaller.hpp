#pragma once
// Makes smaller scenarios, with a part left out or simplified. Pure functions; shrink.hpp decides which to try.
#include <optional>
#include <span>
#include <vector>

#include "apps/sim/scenario_file.hpp"

namespace troupe::apps {

/// Keeps the events until `end`, which becomes the end of the time with faults, in whole seconds.
sim::Scenario until(sim::Scenario scenario, base::Duration end);

/// Returns the nodes that no fault and no operation needs, in order. Members of a fault's set of nodes may be among
/// them.
std::vector<std::uint16_t> idle_nodes(const sim::Scenario& scenario, sim::WorkloadSpecs specs);

/// Removes those nodes, which are in order, and renumbers the rest. Returns nullopt if no node would be left, or none
/// in a set.
std::optional<sim::Scenario> without_nodes(const sim::Scenario& scenario, sim::WorkloadSpecs specs,
                                           std::span<const std::uint16_t> nodes);

/// A node in the set of a fault with several nodes.
struct Member {
  std::size_t fault;
  std::uint16_t node;
};
std::vector<Member> members(const sim::Scenario& scenario);

/// Returns the events whose time is not a multiple of `grain`; faults first, then operations.
std::vector<std::size_t> odd_moments(const sim::Scenario& scenario, base::Duration grain);
/// Moves those events back to a multiple of `grain`; all events stay sorted.
sim::Scenario moved(sim::Scenario scenario, std::span<const std::size_t> events, base::Duration grain);

/// A number that is a duration or an amount.
struct Size {
  enum class Of : std::uint8_t { span, amount, operations };
  Of of;
  std::size_t fault;
  std::string name;    // name of an operation's number; equal names have the same meaning
  std::int64_t was;    // present value; nanoseconds for a span
  std::int64_t least;  // the smallest allowed value
};
/// Returns the numbers that could be smaller, in order of size: all numbers of faults, and numbers of operations above
/// kPlainMax.
std::vector<Size> sizes(const sim::Scenario& scenario, sim::WorkloadSpecs specs);
void resize(sim::Scenario& scenario, const Size& size, std::int64_t value);

/// Our choice: smaller numbers of operations are more likely names than sizes.
inline constexpr std::int64_t kPlainMax = 1'000;
inline constexpr base::Duration kSpanMin = std::chrono::milliseconds(100);  // our choice: shorter spans add nothing

/// Rounds towards zero, to one digit and zeros: 8,317 becomes 8,000.
std::int64_t rounded(std::int64_t number);

}  // namespace troupe::apps
