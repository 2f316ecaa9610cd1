#pragma once
// A world at one instant, in the words in which live nodes answer: so that one reader shows both.
#include <optional>
#include <string>
#include <string_view>

#include "apps/sim/world.hpp"
#include "messages/inspect.capnp.h"
#include "messages/node.capnp.h"

namespace troupe::apps {

/// A node that is down has its name, and the stage `draining`.
void write_status(node::wire::NodeStatus::Builder out, World& world, std::size_t node);

/// All its actors by path, at most `rows_max`; none of a node that is down.
void write_actors(inspect::wire::ActorRows::Builder out, World& world, std::size_t node, std::size_t rows_max);

/// One actor with its state. Errors: `not_found`.
base::Outcome<void> write_look(inspect::wire::Looked::Builder out, World& world, std::size_t node,
                               std::string_view path);

/// The state that the actor shows, as one line of at most `bytes_max`; nothing if it shows none or is not there.
std::optional<std::string> state_line(World& world, std::size_t node, std::string_view path, std::size_t bytes_max);

/// A message of a known kind in the same way.
std::string message_line(std::uint64_t kind, base::ByteView words, std::size_t bytes_max);

}  // namespace troupe::apps
