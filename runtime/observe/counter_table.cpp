#include "runtime/observe/counter_table.hpp"

#include <string>

#include "runtime/base/ensure.hpp"
#include "runtime/observe/describe_counters.hpp"

namespace troupe::observe {
namespace {

MetricValue value_of(const CounterRow& row) {
  const auto count = static_cast<std::int64_t>(row.value);
  switch (row.unit) {
    case CounterUnit::number: break;
    case CounterUnit::milliseconds: return base::Duration(std::chrono::milliseconds(count));
    case CounterUnit::microseconds: return base::Duration(std::chrono::microseconds(count));
  }
  return row.value;
}

}  // namespace

std::vector<Family> families(const CounterTable& table) {
  std::vector<Family> out;
  for (const CounterRow& row : table) {
    if (row.metric.empty()) continue;
    if (out.empty() || out.back().name != row.metric)
      out.push_back({std::string(row.metric), std::string(row.help), row.type, {}});
    out.back().samples.push_back({row.labels, value_of(row)});
  }
  return out;
}

void describe(const CounterTable& table, capnp::DynamicStruct::Builder to) {
  for (const CounterRow& row : table) {
    if (row.field.empty()) continue;
    const auto field = to.getSchema().findFieldByName(kj::StringPtr(row.field.data(), row.field.size()));
    bool known = false;
    KJ_IF_MAYBE (one, field) {
      known = true;
      to.set(*one, row.value);
    }
    base::ensure(known, "a counter is shown in a field of its struct");
  }
}

}  // namespace troupe::observe
