#pragma once
// Writes a node's health for operators.
#include "messages/node.capnp.h"
#include "runtime/observe/health.hpp"

namespace troupe::node {

/// Sets the state and its reasons.
void write_health(wire::NodeStatus::Builder out, const observe::Health& health);

}  // namespace troupe::node
