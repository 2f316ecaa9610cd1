// Reputations, as a domain of a node.
#include "actors/node/api.hpp"
#include "actors/reputation/reputation_actor.hpp"

namespace troupe::reputation {
namespace {

using config::When;

constexpr std::uint64_t kOwnRulesMax = 64;

std::optional<std::string> rule_fault(const std::string& text) {
  if (own_rule(text)) return std::nullopt;
  return "name=points, such as late_delivery=-3, with a name other than the seven fixed ones and -100 to 100 points";
}
constexpr auto kRulesSetting =
    config::texts("reputation.rules", kOwnRulesMax, When::start, "points of other events: name=points,…", rule_fault);
constexpr auto kSettings = std::to_array<config::Setting>({kRulesSetting});
constexpr std::string_view kHealthSources[] = {kRows, kEventRows};

node::Domain make(const node::DomainParts& parts) {
  ReputationSettings settings;
  settings.identity = parts.identity;
  for (const std::string& text : parts.settings.get(kRulesSetting))
    if (auto rule = own_rule(text)) settings.rules.insert_or_assign(rule->kind, rule->delta);
  settings.health = parts.health;
  settings.log = parts.domain_log;
  return {.name = "reputation",
          .factory = [settings] { return std::make_unique<ReputationActor>(settings); },
          .options = {.kind = ReputationActor::kName}};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{
      .name = "reputation", .settings = kSettings, .logs = true, .health = kHealthSources, .make = make};
  return spec;
}

}  // namespace troupe::reputation
