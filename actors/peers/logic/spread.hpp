#pragma once
// Jitter for waiting times, so that nodes that started together do not stay in step.
#include <algorithm>

#include "runtime/base/random.hpp"
#include "runtime/base/time.hpp"

namespace troupe::peers {

/// Returns `period` with jitter of up to a tenth in both directions.
inline base::Duration spread(base::Duration period, base::Random& random) {
  const auto tenth = static_cast<std::uint64_t>(std::max<std::int64_t>(period.count(), 0)) / 10;
  return period - base::Duration(static_cast<std::int64_t>(tenth)) +
         base::Duration(static_cast<std::int64_t>(random.below(2 * tenth + 1)));
}

/// Returns `first`, doubled for each failure after the first, at most `longest`, with jitter.
inline base::Duration backoff(base::Duration first, base::Duration longest, std::uint32_t failures,
                              base::Random& random) {
  base::Duration out = std::min(first, longest);
  for (std::uint32_t i = 1; i < failures && out < longest; ++i) out = std::min(out * 2, longest);
  return spread(out, random);
}

}  // namespace troupe::peers
