#pragma once
// Requests that the HTTP API and operators may send about its keys, at kPath.
//
// MakeKey RevokeKey SetGrant   by operators
// WatchKeys -> KeyChange…      a copy of all keys, which stays up to date
// WhoOwns Claim Release        whose a file, a key of the store, a value of the DHT or a task is
// BeginRequest Used            about requests of the API
#include "messages/access.capnp.h"

namespace troupe::access {

inline constexpr const char* kPath = "/access";

}  // namespace troupe::access
