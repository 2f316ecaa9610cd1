#pragma once
// The counters of a domain as one table, read at one moment: for /metrics and describe() (describe_counters.hpp).
//
// Order   rows of one metric are adjacent; the first of them has the help text of the family.
// Fields  a row may name a field of the struct that describe() fills: a number in the row's unit.
#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/observe/logic/exposition.hpp"

namespace troupe::observe {

/// The unit of a counter. /metrics shows durations in seconds, by Prometheus' convention.
enum class CounterUnit : std::uint8_t { number, milliseconds, microseconds };

struct CounterRow {
  std::string_view metric;  ///< "troupe_dht_contacts"; if empty, only describe() shows the row
  std::string_view help;    ///< one sentence, in the first row of a metric
  MetricType type = MetricType::counter;
  std::uint64_t value = 0;
  std::string_view field{};  ///< "contacts"; if empty, only /metrics shows the row
  Labels labels{};
  CounterUnit unit = CounterUnit::number;
};
using CounterTable = std::vector<CounterRow>;

/// Returns the families for /metrics, in the order of the table.
std::vector<Family> families(const CounterTable& table);

}  // namespace troupe::observe
