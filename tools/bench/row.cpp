#include "tools/bench/row.hpp"

#include <cstdio>

namespace troupe::bench {
namespace {

std::string number(std::optional<double> value) {
  if (!value) return "null";
  char out[64];
  std::snprintf(out, sizeof out, "%.6g", *value);
  return out;
}

}  // namespace

std::string json(const Figure& figure) {
  const auto& delays = figure.delays;
  return "{\"what\":\"" + figure.what + "\",\"clients\":" + std::to_string(figure.clients) +
         ",\"perSecond\":" + number(figure.per_second) + ",\"mibPerSecond\":" + number(figure.mib_per_second) +
         ",\"p50Ms\":" + number(percentile_ms(delays, 50)) + ",\"p90Ms\":" + number(percentile_ms(delays, 90)) +
         ",\"p99Ms\":" + number(percentile_ms(delays, 99)) + ",\"errors\":" + std::to_string(figure.errors) +
         ",\"residentBytes\":" + (figure.resident_bytes ? std::to_string(*figure.resident_bytes) : "null") +
         ",\"requestsEach\":" + number(figure.requests_each) + ",\"cpuMsEach\":" + number(figure.cpu_ms_each) +
         ",\"mib\":" + number(figure.mib) + ",\"seconds\":" + number(figure.seconds) +
         ",\"secondsMax\":" + number(figure.seconds_max) + ",\"ratio\":" + number(figure.ratio) + "}";
}

}  // namespace troupe::bench
