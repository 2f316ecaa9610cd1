#include "actors/escrow/logic/guards.hpp"

#include <algorithm>

namespace troupe::escrow {

Finding look(const GuardRules& rules, const Sighting& sighting) {
  const auto& [buyer, provider] = sighting.owners;
  const bool same_owner = buyer && provider && *buyer == *provider;
  if (same_owner && rules.same_owner == SameOwner::refuse) return {Verdict::refuse, "same_owner"};
  if (rules.fresh_limit > Amount()) {
    const auto days = static_cast<std::uint64_t>(sighting.known / std::chrono::hours(24));
    // A limit above the largest amount has no effect.
    const auto limit = share(rules.fresh_limit, std::min(days, UINT64_MAX - 1) + 1, 1);
    if (limit && sighting.amount > *limit) return {Verdict::hold, "fresh_limit"};
  }
  return {Verdict::pass, same_owner ? "same_owner" : ""};
}

}  // namespace troupe::escrow
