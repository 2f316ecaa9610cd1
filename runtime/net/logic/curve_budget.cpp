#include "runtime/net/logic/curve_budget.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::net {
namespace {

constexpr std::size_t kV4PrefixBytes = 12 + 3;  // the 96 bits of a mapped IPv4 address, and 24 of the address
constexpr std::size_t kV6PrefixBytes = 6;       // 48 bits: what a site gets (RFC 6177)

}  // namespace

CurveBudget::CurveBudget(CurveLimits limits, base::Instant now)
    : limits_(limits), all_(limits.all_per_second, limits.all_burst, now) {
  base::ensure(limits.neighbours_per_second > 0, "the budget of a neighbourhood fills up again");
  base::ensure(neighbours_at_once(limits) < kNeighboursMax, "there is a bucket for each neighbourhood that is let in");
}

CurveBudget::Prefix CurveBudget::prefix_of(const base::Endpoint& from) {
  Prefix out = from.address;
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(from.is_v4() ? kV4PrefixBytes : kV6PrefixBytes), out.end(),
            std::uint8_t{0});
  return out;
}

CurveGrant CurveBudget::take(const base::Endpoint& from, base::Instant now) {
  const Prefix prefix = prefix_of(from);
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
      neighbours_
          .emplace(prefix, runtime::logic::RateLimit(limits_.neighbours_per_second, limits_.neighbours_burst, now))
          .first->second;
  bucket.take(now);
  return CurveGrant::granted;
}

}  // namespace troupe::net
