#pragma once
// The counters of a domain as one table, read at one moment: /metrics and describe() (describe_counters.hpp) walk it.
//
// Order   rows of one metric stand together; the first one brings the help of the family.
// Fields  a row may name a field of the struct that describe() fills: a number there, in the row's own unit.
#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/observe/logic/exposition.hpp"

namespace troupe::observe {

/// What a counter counts; /metrics shows spans in seconds, as Prometheus wants them.
enum class CounterUnit : std::uint8_t { number, milliseconds, microseconds };

struct CounterRow {
  std::string_view metric;  ///< "troupe_dht_contacts"; empty: describe() alone shows the row
  std::string_view help;    ///< one sentence; of the first row of a metric
  MetricType type = MetricType::counter;
  std::uint64_t value = 0;
  std::string_view field{};  ///< "contacts"; empty: /metrics alone shows the row
  Labels labels{};
  CounterUnit unit = CounterUnit::number;
};
using CounterTable = std::vector<CounterRow>;

/// For /metrics, in the order of the table.
std::vector<Family> families(const CounterTable& table);

}  // namespace troupe::observe
