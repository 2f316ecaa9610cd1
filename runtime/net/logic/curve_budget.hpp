#pragma once
// The budget of key agreements for unknown nodes: a rate for each neighbourhood of addresses, and a rate for all.
//
// Why     an agreement costs 80 us, and asking for it costs the asker nothing. Known nodes are not charged.
// Limits  kNeighboursMax buckets. A bucket that is full again is forgotten. Those that are not full are bounded by what
//         the rate for all has let in since, so there is always room for a new bucket.
// Time    monotonic, given by the caller.
// Owner   one DatagramAdmission; not thread-safe.
#include <cstdint>
#include <map>

#include "runtime/base/address_group.hpp"
#include "runtime/base/rate_limit.hpp"
#include "runtime/base/time.hpp"

namespace troupe::net {

inline constexpr std::size_t kNeighboursMax = 4096;

struct CurveLimits {
  std::uint32_t neighbours_per_second = 64;  ///< of one /24 (IPv4) or /48 (IPv6)
  std::uint32_t neighbours_burst = 256;      ///< a cluster at one site meets at once
  std::uint32_t all_per_second = 512;        ///< 41 ms of each second
  std::uint32_t all_burst = 1024;
};

/// The maximum number of buckets that are not full: each was used within the time that it needs to fill up.
constexpr std::uint64_t neighbours_at_once(const CurveLimits& limits) {
  const std::uint64_t seconds =
      (std::uint64_t{limits.neighbours_burst} + limits.neighbours_per_second - 1) / limits.neighbours_per_second;
  return limits.all_burst + limits.all_per_second * seconds;
}
static_assert(neighbours_at_once({}) < kNeighboursMax);

enum class CurveGrant : std::uint8_t {
  granted,
  neighbours_spent,  ///< the rate of this neighbourhood is used up
  all_spent,         ///< the rate of all unknown nodes is used up
};

class CurveBudget {
 public:
  /// A rate of zero, or limits with more buckets at once than kNeighboursMax, are a broken invariant.
  CurveBudget(CurveLimits limits, base::Instant now);

  /// Takes one operation for an unknown node at `from`. A refused operation charges neither rate.
  CurveGrant take(const base::Endpoint& from, base::Instant now);

  std::size_t neighbourhoods() const { return neighbours_.size(); }

 private:
  CurveLimits limits_;
  base::RateLimit all_;
  std::map<base::AddressGroup, base::RateLimit> neighbours_;
};

}  // namespace troupe::net
