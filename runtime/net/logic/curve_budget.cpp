#include "runtime/net/logic/curve_budget.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe::net {

CurveBudget::CurveBudget(CurveLimits limits, base::Instant now)
    : limits_(limits), all_(limits.all_per_second, limits.all_burst, now) {
  base::ensure(limits.neighbours_per_second > 0, "the budget of a neighbourhood fills up again");
  base::ensure(neighbours_at_once(limits) < kNeighboursMax, "there is a bucket for each neighbourhood that is let in");
}

CurveGrant CurveBudget::take(const base::Endpoint& from, base::Instant now) {
  const base::AddressGroup prefix = base::group_of(from);
  const auto known = neighbours_.find(prefix);
  if (known != neighbours_.end() && known->second.wait(now) > base::Duration::zero())
    return CurveGrant::neighbours_spent;
  if (known == neighbours_.end() && limits_.neighbours_burst == 0) return CurveGrant::neighbours_spent;
  if (!all_.take(now)) return CurveGrant::all_spent;
  if (known != neighbours_.end()) {
    known->second.take(now);
    return CurveGrant::granted;
  }
  if (neighbours_.size() == kNeighboursMax)
    std::erase_if(neighbours_, [&](const auto& entry) { return entry.second.full(now); });
  base::ensure(neighbours_.size() < kNeighboursMax, "there is a bucket for each neighbourhood that is let in");
  auto& bucket =
      neighbours_.emplace(prefix, base::RateLimit(limits_.neighbours_per_second, limits_.neighbours_burst, now))
          .first->second;
  bucket.take(now);
  return CurveGrant::granted;
}

}  // namespace troupe::net
