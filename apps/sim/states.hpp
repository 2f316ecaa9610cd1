#pragma once
// The state of every actor of a world between two events, as the inspector would show it.
#include <iosfwd>

#include "apps/sim/world.hpp"

namespace troupe::apps {

/// A line an actor of each node that is up: its path, kind, messages that wait, and its state as JSON where it shows
/// one. By node, then by path. With `json` the whole line is JSON.
void print_states(std::ostream& out, World& world, bool json);

}  // namespace troupe::apps
