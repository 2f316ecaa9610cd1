#pragma once
// How often this node retries: a failing peer gets a tenth more load, not many times as much.
//
// Source  full jitter: Brooker, "Exponential Backoff and Jitter", 2015. Retries as a share of requests: Google SRE
//         book, 2016, chapter 21, "Client-side throttling".
// Limits  at most one retry for every ten requests, plus a small reserve.
// Time    monotonic, given by the caller; an earlier instant than the last counts as the last.
// Owner   its user; not thread-safe.
#include <chrono>
#include <cstdint>
#include <optional>

#include "runtime/base/random.hpp"
#include "runtime/base/rate_limit.hpp"

namespace troupe::runtime::logic {

struct RetryPolicy {
  std::uint32_t retries_max = 5;  ///< per request, in addition to its first try
  base::Duration delay_min =
      std::chrono::milliseconds{100};                   ///< upper bound of the first delay; doubles for each retry
  base::Duration delay_max = std::chrono::seconds{10};  ///< doubling ends here
  std::uint32_t requests_per_retry = 10;  ///< so that a failing peer gets a tenth more load, not many times as much
  std::uint32_t earned_max = 100;         ///< retries saved up while requests succeed
  std::uint32_t reserve_per_second = 1;   ///< for callers with too few requests to earn a retry
  std::uint32_t reserve_max = 10;
};

class RetryBudget {
 public:
  RetryBudget(RetryPolicy policy, base::Instant now);

  /// Records the first try of a request: it earns its share of a retry.
  void requested();

  /// Returns the delay before retry number `retry` (from 1) of one request, at least `retry_after` from the other side.
  /// Returns nullopt if the request has used all its retries or the budget is spent: then its error is final.
  std::optional<base::Duration> retry(std::uint32_t retry, base::Instant now, base::Random& random,
                                      base::Duration retry_after = base::Duration::zero());

 private:
  RetryPolicy policy_;
  std::uint64_t earned_ = 0;  // in shares: requests_per_retry of them are one retry
  base::RateLimit reserve_;
};

}  // namespace troupe::runtime::logic
