#pragma once
// Requests that the registry accepts from other domains of the node and from outside.
//
// kPath      operators: Register, Unregister; nodes: Beat, OfferRegistration, PullBeat, ListWatched, GetHistory,
//            GetUptime, HandVouch
// kListPath  ListNodes, ViewNode -> a stream of NodeRows; within the node NoteFinding
//
// logic/registration.hpp, logic/heartbeat.hpp and logic/history.hpp decode the bytes in these messages.
#include "actors/registry/logic/uptime.hpp"
#include "actors/registry/logic/vouch.hpp"

namespace troupe::registry {

inline constexpr const char* kPath = "/registry";
inline constexpr const char* kListPath = "/registry/list";
inline constexpr std::size_t kBatchRows = 128;  // in messages/registry.capnp: a page, and a part of a list

}  // namespace troupe::registry
