#include "runtime/base/rate_limit.hpp"

#include <algorithm>

namespace troupe::base {
namespace {

constexpr std::uint64_t kParts = 1'000'000'000;  // of a token; times the largest burst, they fit into 63 bits

// Returns the least number of nanoseconds that add `parts`.
std::uint64_t nanoseconds_for(std::uint64_t parts, std::uint32_t per_second) {
  return parts / per_second + (parts % per_second != 0 ? 1 : 0);
}

}  // namespace

RateLimit::RateLimit(std::uint32_t per_second, std::uint32_t burst, Instant now)
    : per_second_(per_second), burst_(burst * kParts), level_(burst_), as_of_(now) {}

bool RateLimit::take(Instant now, std::uint32_t count) {
  const std::uint64_t level = level_at(now);
  if (level < count * kParts) return false;
  level_ = level - count * kParts;
  as_of_ = std::max(as_of_, now);
  return true;
}

std::uint32_t RateLimit::spend(Instant now, std::uint32_t count) {
  const std::uint64_t level = level_at(now), taken = std::min(level, count * kParts);
  level_ = level - taken;
  as_of_ = std::max(as_of_, now);
  return static_cast<std::uint32_t>(taken / kParts);
}

void RateLimit::give_back(Instant now, std::uint32_t count) {
  const std::uint64_t level = level_at(now);
  level_ = level + std::min(burst_ - level, count * kParts);
  as_of_ = std::max(as_of_, now);
}

Duration RateLimit::wait(Instant now, std::uint32_t count) const {
  const std::uint64_t level = level_at(now);
  const std::uint64_t wanted = count * kParts;
  if (level >= wanted) return Duration::zero();
  if (wanted > burst_ || per_second_ == 0) return Duration::max();
  return Duration(static_cast<std::int64_t>(nanoseconds_for(wanted - level, per_second_)));
}

bool RateLimit::full(Instant now) const { return level_at(now) == burst_; }

// The product cannot overflow: it is computed only if it stays below what is missing.
std::uint64_t RateLimit::level_at(Instant now) const {
  if (now <= as_of_ || per_second_ == 0) return level_;
  const auto passed = static_cast<std::uint64_t>(now.since_origin().count()) -
                      static_cast<std::uint64_t>(as_of_.since_origin().count());
  if (passed >= nanoseconds_for(burst_ - level_, per_second_)) return burst_;
  return level_ + passed * per_second_;
}

}  // namespace troupe::base
