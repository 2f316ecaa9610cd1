#pragma once
// A world at one instant, in the messages of live nodes, so that the same code shows both.
#include <optional>
#include <string>
#include <string_view>

#include "apps/sim/world.hpp"
#include "messages/inspect.capnp.h"
#include "messages/node.capnp.h"

namespace troupe::apps {

/// Writes the status of a node. A node that is down has only its name, and the stage `draining`.
void write_status(node::wire::NodeStatus::Builder out, World& world, std::size_t node);

/// Writes the node's actors by path, at most `rows_max`; none if the node is down.
void write_actors(inspect::wire::ActorRows::Builder out, World& world, std::size_t node, std::size_t rows_max);

/// Writes an actor with its state. Errors: `not_found`.
base::Outcome<void> write_look(inspect::wire::Looked::Builder out, World& world, std::size_t node,
                               std::string_view path);

/// Returns the state of an actor as one line of at most `bytes_max` bytes, or nullopt if the actor shows none or does
/// not exist.
std::optional<std::string> state_line(World& world, std::size_t node, std::string_view path, std::size_t bytes_max);

/// Returns a message of a known kind in the same form.
std::string message_line(std::uint64_t kind, base::ByteView words, std::size_t bytes_max);

}  // namespace troupe::apps
