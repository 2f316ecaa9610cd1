#include "runtime/actor/logic/retry_budget.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::runtime::logic {

RetryBudget::RetryBudget(RetryPolicy policy, base::Instant now)
    : policy_(policy), reserve_(policy.reserve_per_second, policy.reserve_max, now) {
  base::ensure(policy.requests_per_retry > 0, "a retry is earned by at least one request");
  base::ensure(policy.delay_min > base::Duration::zero() && policy.delay_min <= policy.delay_max,
               "a retry waits, and its shortest delay is at most the longest");
}

void RetryBudget::requested() {
  const std::uint64_t most = std::uint64_t{policy_.earned_max} * policy_.requests_per_retry;
  earned_ = std::min(earned_ + 1, most);
}

std::optional<base::Duration> RetryBudget::retry(std::uint32_t retry, base::Instant now, base::Random& random,
                                                 base::Duration retry_after) {
  if (retry == 0 || retry > policy_.retries_max) return std::nullopt;
  if (earned_ >= policy_.requests_per_retry) {
    earned_ -= policy_.requests_per_retry;
  } else if (!reserve_.take(now)) {
    return std::nullopt;
  }
  base::Duration bound = policy_.delay_min;
  for (std::uint32_t i = 1; i < retry && bound < policy_.delay_max; ++i) {
    bound = bound > policy_.delay_max / 2 ? policy_.delay_max : bound * 2;
  }
  const auto jitter = random.below(static_cast<std::uint64_t>(bound.count()) + 1);
  return std::max(base::Duration(static_cast<std::int64_t>(jitter)), retry_after);
}

}  // namespace troupe::runtime::logic
