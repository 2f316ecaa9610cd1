#include "apps/api/rules.hpp"

#include <algorithm>
#include <set>

#include "apps/api/routes.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps::api {
namespace {

constexpr std::size_t kShownCallBytes = 80;

std::string shown_text(std::string_view text) { return '"' + base::shortened(text, kShownCallBytes) + '"'; }

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t") == std::string_view::npos; }

std::string one_of(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) {
    if (out.size() > 4 * kShownCallBytes) return out + ", …";
    out += (out.empty() ? "" : ", ") + shown_text(text);
  }
  return texts.size() == 1 ? out : "one of " + out;
}

bool contains(const std::vector<std::string>& texts, std::string_view text) {
  return std::ranges::find(texts, text) != texts.end();
}

std::optional<std::string> name_fault(const Rule& rule, const RuledCall& call) {
  if (!rule.names) return std::nullopt;
  if (call.names.empty()) return "the call needs a name that matches " + shown_text(*rule.names);
  const Glob glob(*rule.names);
  for (const std::string& name : call.names)
    if (!glob.matches(name)) return "the name " + shown_text(name) + " does not match " + shown_text(*rule.names);
  return std::nullopt;
}

std::optional<std::string> role_fault(const Rule& rule, const RuledCall& call) {
  if (rule.roles.empty() || contains(rule.roles, call.role)) return std::nullopt;
  return "the role must be " + one_of(rule.roles) + ", not " + shown_text(call.role);
}

std::optional<std::string> purpose_fault(const Rule& rule, const RuledCall& call) {
  if (!rule.purposes) return std::nullopt;
  const bool given = call.purpose && !is_blank(*call.purpose);
  if (rule.purposes->empty())
    return given ? std::nullopt : std::optional<std::string>("the call needs the header Purpose");
  if (given && contains(*rule.purposes, *call.purpose)) return std::nullopt;
  const std::string wanted = "the header Purpose must be " + one_of(*rule.purposes);
  return wanted + (given ? ", not " + shown_text(*call.purpose) : "; it is missing");
}

std::optional<std::string> ttl_fault(const Rule& rule, const RuledCall& call) {
  if (!rule.ttl_max || (call.ttl && *call.ttl <= *rule.ttl_max)) return std::nullopt;
  const std::string wanted = "the lifetime (ttl) must be at most " + config::duration_text(*rule.ttl_max);
  return wanted + (call.ttl ? ", not " + config::duration_text(*call.ttl) : "; the call sets no limit");
}

}  // namespace

std::vector<std::string> ruled_commands(const Routes& routes) {
  std::set<std::string> names;
  for (const RouteRow& row : routes.rows()) names.insert(row.command->name);
  return {names.begin(), names.end()};
}

bool is_command_of(std::string_view pattern, std::string_view command) {
  if (pattern == "*") return true;
  if (!pattern.ends_with(" *")) return pattern == command;
  const std::string_view words = pattern.substr(0, pattern.size() - 2);
  return command.starts_with(words) && (command.size() == words.size() || command[words.size()] == ' ');
}

std::optional<Refusal> Rules::refusing(const RuledCall& call) const {
  for (const Rule& rule : rules_) {
    if (std::ranges::none_of(rule.commands, [&](const auto& one) { return is_command_of(one, call.command); }))
      continue;
    for (const auto& demand : {name_fault, role_fault, purpose_fault, ttl_fault})
      if (const auto why = demand(rule, call)) return Refusal{rule.name, "rule \"" + rule.name + "\": " + *why};
  }
  return std::nullopt;
}

}  // namespace troupe::apps::api
