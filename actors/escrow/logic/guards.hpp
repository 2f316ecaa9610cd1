#pragma once
// The fraud rules, applied to an escrow before money moves: they refuse it, or hold it until an operator has
// checked it.
//
// Fresh   an account may put at most `fresh_limit` into one escrow, plus the same for each whole day since it was first
//         paid. A larger escrow is held. 0: no limit.
// Owner   the same node has sent requests for both parties: this is noted, or refused.
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

/// The facts when a party signs or deposits.
struct Sighting {
  Amount amount;                                    ///< the buyer's deposit
  UnixMs known{0};                                  ///< when the buyer's account was first paid; 0: never
  EachParty<std::optional<base::NodeId>> owners{};  ///< the node through which each party sent its requests
};

struct Finding {
  Verdict verdict = Verdict::pass;
  std::string_view rule{};  ///< the setting's name; empty: no rule applies
};

/// Returns the strictest finding; a note is a pass that names its rule.
Finding look(const GuardRules& rules, const Sighting& sighting);

}  // namespace troupe::escrow
