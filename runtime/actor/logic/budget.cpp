#include "runtime/actor/logic/budget.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::runtime::logic {
namespace {

constexpr std::uint64_t kParts = 1'000'000'000;  // of a token; times the largest burst it fits into 63 bits

// The least number of nanoseconds that bring `parts`.
std::uint64_t nanoseconds_for(std::uint64_t parts, std::uint32_t per_second) {
  return parts / per_second + (parts % per_second != 0 ? 1 : 0);
}

}  // namespace

RateLimit::RateLimit(std::uint32_t per_second, std::uint32_t burst, base::Instant now)
    : per_second_(per_second), burst_(burst * kParts), level_(burst_), as_of_(now) {}

bool RateLimit::take(base::Instant now, std::uint32_t count) {
  const std::uint64_t level = level_at(now);
  if (level < count * kParts) return false;
  level_ = level - count * kParts;
  as_of_ = std::max(as_of_, now);
  return true;
}

base::Duration RateLimit::wait(base::Instant now, std::uint32_t count) const {
  const std::uint64_t level = level_at(now);
  const std::uint64_t wanted = count * kParts;
  if (level >= wanted) return base::Duration::zero();
  if (wanted > burst_ || per_second_ == 0) return base::Duration::max();
  return base::Duration(static_cast<std::int64_t>(nanoseconds_for(wanted - level, per_second_)));
}

bool RateLimit::full(base::Instant now) const { return level_at(now) == burst_; }

// The product cannot overflow: it is formed only where it stays below what is missing.
std::uint64_t RateLimit::level_at(base::Instant now) const {
  if (now <= as_of_ || per_second_ == 0) return level_;
  const auto passed = static_cast<std::uint64_t>(now.since_origin().count()) -
                      static_cast<std::uint64_t>(as_of_.since_origin().count());
  if (passed >= nanoseconds_for(burst_ - level_, per_second_)) return burst_;
  return level_ + passed * per_second_;
}

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
