#pragma once
// What other domains of the node may ask of the registry, and what is asked from outside.
//
// kPath      Register, Unregister of operators; Beat, OfferRegistration, PullBeat, ListWatched, GetHistory, GetUptime,
//            HandVouch of nodes
// kListPath  ListNodes, ViewNode -> a stream of NodeRows; inside the node NoteFinding
//
// The bytes in these messages are read with logic/registration.hpp, logic/heartbeat.hpp and logic/history.hpp.
#include "actors/registry/logic/uptime.hpp"
#include "actors/registry/logic/vouch.hpp"

namespace troupe::registry {

inline constexpr const char* kPath = "/registry";
inline constexpr const char* kListPath = "/registry/list";
inline constexpr std::size_t kBatchRows = 128;  // of messages/registry.capnp: a page, and a part of a list

}  // namespace troupe::registry
