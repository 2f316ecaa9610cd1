#pragma once
// What other domains of the node may ask of reputations, at the path kPath: `node().find(reputation::kPath)`.
//
// Observe  -> Reported   what this node has seen another one do: one of the seven kinds of logic/rules.hpp
// GetScore -> ScoreIs    what it thinks of a node; ListScores -> Scores: of all that it has seen do something
//
// Operators: Report, and the same questions. Events are read with logic/event.hpp, folded with logic/score.hpp.
#include "actors/reputation/logic/rules.hpp"
#include "actors/reputation/logic/score.hpp"
#include "messages/reputation.capnp.h"

namespace troupe::reputation {

inline constexpr const char* kPath = "/reputation";
inline constexpr std::size_t kPageRows = 1'024;  // of messages/reputation.capnp

}  // namespace troupe::reputation
