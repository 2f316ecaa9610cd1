#pragma once
// Whether another process uses this node's identity. If so, the parts that sign or vote for this node stay silent.
#include <chrono>
#include <optional>

#include "runtime/base/time.hpp"

namespace troupe::runtime {

inline constexpr std::chrono::minutes kUsedElsewhere{10};  // our choice: longer than both processes take to meet again

/// `own_id_met` is what Links::own_id_met() returns.
constexpr bool used_elsewhere(const std::optional<base::Instant>& own_id_met, base::Instant now) {
  return own_id_met && now < *own_id_met + kUsedElsewhere;
}

}  // namespace troupe::runtime
