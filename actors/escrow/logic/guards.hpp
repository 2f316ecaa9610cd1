#pragma once
// The fraud rules, applied to an escrow before money moves: they refuse it, or hold it until an operator has
// checked it.
//
// Fresh   an account may put into one escrow at most `fresh_limit`, and as much again for each whole day since it was
//         first paid. More is held. 0: no limit.
// Owner   the same node has asked for both parties: that is noted, or refused.
// Not here: rates of requests per account (runtime/base/rate_budget.hpp, in the actor).
#include <string_view>

#include "actors/escrow/logic/escrow.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::escrow {

enum class SameOwner : std::uint8_t { note, refuse };

struct GuardRules {
  Amount fresh_limit;
  SameOwner same_owner = SameOwner::note;
};

/// What is known when a party signs, or pays in.
struct Sighting {
  Amount amount;    ///< that the buyer puts in
  UnixMs known{0};  ///< since the buyer's account was first paid; 0 for one that never was
  EachParty<std::optional<base::NodeId>> owners{};  ///< the node through which each has asked
};

struct Finding {
  Verdict verdict = Verdict::pass;
  std::string_view rule{};  ///< as the setting is called; empty: none has anything to say
};

/// The strictest finding; a note is a pass that names its rule.
Finding look(const GuardRules& rules, const Sighting& sighting);

}  // namespace troupe::escrow
