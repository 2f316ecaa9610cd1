#include "apps/bench/figure.hpp"

#include <algorithm>

namespace troupe::bench {

std::optional<double> percentile_ms(std::vector<base::Duration> delays, std::size_t percent) {
  if (delays.empty()) return std::nullopt;
  const std::size_t rank = std::max<std::size_t>((delays.size() * percent + 99) / 100, 1) - 1;
  const auto place = delays.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(delays.begin(), place, delays.end());
  return std::chrono::duration<double, std::milli>(*place).count();
}

}  // namespace troupe::bench
