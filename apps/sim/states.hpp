#pragma once
// The state of every actor of a world between two events, as the inspector would show it.
#include <iosfwd>

#include "apps/sim/world.hpp"
#include "runtime/observe/logic/filter.hpp"

namespace troupe::apps {

/// A line for each actor that the filter means, of each node that is up: its path, kind, what it is at, messages that
/// wait and that it has handled, and its state as JSON where it shows one. By node, then by path. With `json` the whole
/// line is JSON.
void print_states(std::ostream& out, World& world, const observe::Filter& filter, bool json);

}  // namespace troupe::apps
