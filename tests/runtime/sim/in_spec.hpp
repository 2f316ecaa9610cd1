#pragma once
// Whether a drawn operation is one that a scenario file may have.
#include <algorithm>
#include <string>

#include "runtime/sim/workload.hpp"

namespace troupe::test {

/// It is in the spec with each of its numbers within bounds and no other, at a node and a moment of a world so shaped.
inline bool in_spec(const sim::Operation& operation, const sim::WorkloadSpec& spec, const sim::Shape& shape) {
  const auto its = std::ranges::find_if(spec.operations, [&](const sim::OperationSpec& one) {
    return operation.what == std::string(spec.name) + '.' + std::string(one.name);
  });
  if (its == spec.operations.end() || operation.with.size() != its->with.size()) return false;
  if (operation.node >= shape.nodes || operation.at < base::Duration::zero() || operation.at >= shape.time)
    return false;
  return std::ranges::all_of(its->with, [&](const sim::NumberSpec& number) {
    const auto at = operation.with.find(std::string(number.name));
    const std::int64_t max = number.node ? shape.nodes - 1 : number.max;
    return at != operation.with.end() && at->second >= number.min && at->second <= max;
  });
}

}  // namespace troupe::test
