#pragma once
// Requests that other domains of the node may send to the reputations, at kPath: `node().find(reputation::kPath)`.
//
// Observe  -> Reported   an event that this node has seen: one of the seven kinds of logic/rules.hpp
// GetScore -> ScoreIs    this node's score of a node; ListScores -> Scores: of all nodes with events
//
// Operators may send Report, GetScore, ListScores and ListEvents. logic/event.hpp decodes events, logic/score.hpp folds
// them into a score.
#include "actors/reputation/logic/rules.hpp"
#include "actors/reputation/logic/score.hpp"
#include "messages/reputation.capnp.h"

namespace troupe::reputation {

inline constexpr const char* kPath = "/reputation";
inline constexpr std::size_t kPageRows = 1'024;  // in messages/reputation.capnp

}  // namespace troupe::reputation
