#include "tools/bench/row.hpp"

#include <algorithm>
#include <cstdio>

namespace troupe::bench {
namespace {

std::string number(std::optional<double> value) {
  if (!value) return "null";
  char out[64];
  std::snprintf(out, sizeof out, "%.6g", *value);
  return out;
}

// The nearest rank: the smallest delay that `percent` of all do not exceed.
std::optional<double> percentile_ms(const std::vector<std::chrono::nanoseconds>& sorted, std::size_t percent) {
  if (sorted.empty()) return std::nullopt;
  const std::size_t rank = (sorted.size() * percent + 99) / 100;
  return std::chrono::duration<double, std::milli>(sorted[std::max<std::size_t>(rank, 1) - 1]).count();
}

}  // namespace

std::string json(const Row& row) {
  auto sorted = row.delays;
  std::sort(sorted.begin(), sorted.end());
  return "{\"what\":\"" + row.what + "\",\"clients\":" + std::to_string(row.clients) +
         ",\"perSecond\":" + number(row.per_second) + ",\"mibPerSecond\":" + number(row.mib_per_second) +
         ",\"p50Ms\":" + number(percentile_ms(sorted, 50)) + ",\"p90Ms\":" + number(percentile_ms(sorted, 90)) +
         ",\"p99Ms\":" + number(percentile_ms(sorted, 99)) + ",\"errors\":" + std::to_string(row.errors) + "}";
}

}  // namespace troupe::bench
