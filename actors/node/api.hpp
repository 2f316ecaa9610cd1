#pragma once
// What the rest of the node and operators may ask the root actor, at the path kPath: GetStatus, SetLogLevel.
#include "messages/node.capnp.h"

namespace troupe::node {

inline constexpr const char* kPath = "/node";

}  // namespace troupe::node
