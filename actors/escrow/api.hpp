#pragma once
// The actor path of escrows; their messages are in messages/escrow.capnp.
#include "actors/escrow/logic/event_log.hpp"
#include "actors/escrow/logic/task_escrow.hpp"

namespace troupe::escrow {

inline constexpr const char* kPath = "/escrow";

}  // namespace troupe::escrow
