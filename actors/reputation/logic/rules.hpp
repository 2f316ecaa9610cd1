#pragma once
// How many points an event is worth: seven fixed rules, and the rules in `reputation.rules`.
#include <optional>
#include <string>
#include <string_view>

#include "actors/reputation/logic/event.hpp"

namespace troupe::reputation {

struct Rule {
  std::string_view kind;
  std::int8_t delta;
};
inline constexpr Rule kRules[] = {
    {"community_contribution", 15}, {"health_milestone", 2}, {"malicious_behavior", -50}, {"task_failure", -5},
    {"task_success", 10},           {"task_timeout", -10},   {"uptime_milestone", 5},
};

inline std::optional<std::int8_t> fixed_delta(std::string_view kind) {
  for (const Rule& rule : kRules)
    if (rule.kind == kind) return rule.delta;
  return std::nullopt;
}

/// Parses a whole number of points, -kDeltaMax to kDeltaMax.
std::optional<std::int8_t> delta_typed(std::string_view text);

/// "name=points", as in the setting. Returns nullopt if the name is invalid or fixed, or the points are invalid.
struct OwnRule {
  std::string kind;
  std::int8_t delta;
};
std::optional<OwnRule> own_rule(std::string_view text);

}  // namespace troupe::reputation
