#pragma once
// How many strangers may make us compute on curves: so many of one neighbourhood of addresses, and so many of all.
//
// Why     an agreement costs 80 us and a question to ask for it costs nothing. Who is known pays nothing here.
// Limits  kNeighboursMax buckets. One that has filled up again is forgotten; those that have not are bounded by what
//         the budget of all has let in meanwhile, so that there is always room.
// Time    monotonic, given by the caller.
// Owner   one DatagramAdmission; not thread-safe.
#include <array>
#include <cstdint>
#include <map>

#include "runtime/actor/logic/budget.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/time.hpp"

namespace troupe::net {

inline constexpr std::size_t kNeighboursMax = 4096;

struct CurveLimits {
  std::uint32_t neighbours_per_second = 64;  ///< of one /24 (IPv4) or /48 (IPv6)
  std::uint32_t neighbours_burst = 256;      ///< a cluster at one place meets at once
  std::uint32_t all_per_second = 512;        ///< 41 ms of each second
  std::uint32_t all_burst = 1024;
};

/// The most buckets that are not full at a time: each was taken from since it would have filled up again.
constexpr std::uint64_t neighbours_at_once(const CurveLimits& limits) {
  const std::uint64_t seconds =
      (std::uint64_t{limits.neighbours_burst} + limits.neighbours_per_second - 1) / limits.neighbours_per_second;
  return limits.all_burst + limits.all_per_second * seconds;
}
static_assert(neighbours_at_once({}) < kNeighboursMax);

enum class CurveGrant : std::uint8_t {
  granted,
  neighbours_spent,  ///< addresses near this one have had theirs
  all_spent,         ///< strangers have had theirs
};

class CurveBudget {
 public:
  /// A rate of zero, or limits with more buckets at once than kNeighboursMax, are a broken invariant.
  CurveBudget(CurveLimits limits, base::Instant now);

  /// Takes one operation for a stranger at `from`. What is refused costs neither budget anything.
  CurveGrant take(const base::Endpoint& from, base::Instant now);

  std::size_t neighbourhoods() const { return neighbours_.size(); }

 private:
  using Prefix = std::array<std::uint8_t, 16>;
  static Prefix prefix_of(const base::Endpoint& from);

  CurveLimits limits_;
  runtime::logic::RateLimit all_;
  std::map<Prefix, runtime::logic::RateLimit> neighbours_;
};

}  // namespace troupe::net
