#pragma once
// A counted share, and the confidence interval of the true share.
#include <cmath>
#include <cstdint>

namespace troupe::dht::model {

struct Interval {
  double low = 0;
  double high = 1;
};

struct Ratio {
  std::uint64_t hits = 0;
  std::uint64_t tries = 0;

  void note(bool hit) {
    ++tries;
    hits += hit ? 1 : 0;
  }
  double value() const { return tries == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(tries); }

  /// Returns the 95 % interval. Source: E. B. Wilson, "Probable inference, the law of succession, and statistical
  /// inference", 1927: it is also correct if nearly all tries hit.
  Interval interval() const {
    if (tries == 0) return {};
    constexpr double kZ = 1.959964;
    const double n = static_cast<double>(tries);
    const double p = value();
    const double middle = (p + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
    const double half = kZ / (1 + kZ * kZ / n) * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
    return {middle - half, middle + half};
  }
};

}  // namespace troupe::dht::model
