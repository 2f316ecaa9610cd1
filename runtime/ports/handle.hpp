#pragma once
// The address of an actor, here or on another node. Stays valid when the actor restarts.
#include <caf/actor.hpp>

namespace troupe::runtime {

using Handle = caf::actor;

}  // namespace troupe::runtime
