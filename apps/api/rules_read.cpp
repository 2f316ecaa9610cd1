// Reads rules from TOML.
#include <toml++/toml.h>

#include <algorithm>

#include "apps/api/rules.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/config/toml_shape.hpp"

namespace troupe::apps::api {
namespace {

constexpr std::string_view kRuleKeys[] = {"name", "commands", "names", "roles", "purpose", "max_ttl"};
constexpr std::string_view kRuleRoles[] = {"viewer", "user", "operator", "admin"};
constexpr std::size_t kShownRuleBytes = 80;   // of a text in a message, because it may be as long as the file
constexpr std::size_t kSyntaxBytesMax = 300;  // of the parser's message, which repeats the text

std::string cited(std::string_view text) { return '"' + base::shortened(text, kShownRuleBytes) + '"'; }

template <class List>
bool is_in(const List& list, std::string_view text) {
  return std::ranges::find(list, text) != std::end(list);
}

/// Returns the texts of a list of different texts that is not empty, or nullopt.
std::optional<std::vector<std::string>> texts_in(const toml::node& node) {
  const auto* array = node.as_array();
  if (array == nullptr || array->empty()) return std::nullopt;
  std::vector<std::string> out;
  for (const toml::node& one : *array) {
    const auto* text = one.as_string();
    if (text == nullptr) return std::nullopt;
    out.push_back(text->get());
  }
  auto sorted = out;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) return std::nullopt;
  return out;
}

bool is_rule_name(std::string_view name) {
  return !name.empty() && name.size() <= kRuleNameBytesMax &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool is_rule_text(std::string_view text) { return !text.empty() && text.size() <= kRuleTextBytesMax; }

/// Reads rules until the first fault. Each step returns whether there is none.
class RulesReader {
 public:
  explicit RulesReader(const std::vector<std::string>& commands) : commands_(commands) {}

  std::optional<base::Error> read(std::string_view toml) {
    if (toml.size() > kRulesBytesMax) {
      fault(1, "the file is larger than " + config::bytes_text({kRulesBytesMax}));
    } else if (const auto line = config::too_deep_line(toml)) {
      fault(*line, "nested too deeply");
    } else {
      try {
        read_file(toml::parse(toml));
      } catch (const toml::parse_error& error) {
        fault(error.source().begin.line, base::shortened(error.description(), kSyntaxBytesMax));
      }
    }
    return error_;
  }
  std::vector<Rule> take() { return std::move(rules_); }

 private:
  bool read_file(const toml::table& file) {
    for (const auto& [key, node] : file)
      if (key.str() != "rule")
        return fault(line_of(node), "unknown key " + cited(key.str()) + ": expected only [[rule]]");
    const toml::node* node = file.get("rule");
    if (node == nullptr) return fault(1, "the file has no rule: expected at least one [[rule]]");
    const auto* rules = node->as_array();
    if (rules == nullptr || rules->empty()) return fault(line_of(*node), "each rule must begin with [[rule]]");
    for (const toml::node& rule : *rules) {
      const auto* table = rule.as_table();
      if (table == nullptr) return fault(line_of(rule), "each rule must begin with [[rule]]");
      if (rules_.size() == kRulesMax)
        return fault(line_of(rule),
                     "expected at most " + std::to_string(kRulesMax) + " rules, got " + std::to_string(rules->size()));
      if (!read_rule(*table)) return false;
    }
    return true;
  }

  bool read_rule(const toml::table& table) {
    rule_ = &rules_.emplace_back();
    const bool whole = read_name(table) && refuse_unknown_keys(table) && read_commands(table) && read_names(table) &&
                       read_roles(table) && read_purpose(table) && read_ttl(table);
    if (!whole) return false;
    if (!rule_->names && rule_->roles.empty() && !rule_->purposes && !rule_->ttl_max)
      return fault(line_of(table), "it demands nothing: give names, roles, purpose or max_ttl");
    rule_ = nullptr;
    return true;
  }

  bool read_name(const toml::table& table) {
    const auto* name = table.get_as<std::string>("name");
    const toml::node* node = table.get("name");
    if (name == nullptr || !is_rule_name(name->get()))
      return fault(line_of(node ? *node : table),
                   "name must be a text of 1 to " + std::to_string(kRuleNameBytesMax) + " characters a-z, 0-9 and -");
    if (is_in_rules(name->get())) return fault(line_of(*name), "two rules have the name " + cited(name->get()));
    rule_->name = name->get();
    return true;
  }

  bool refuse_unknown_keys(const toml::table& table) {
    for (const auto& [key, node] : table)
      if (!is_in(kRuleKeys, key.str()))
        return fault(line_of(node),
                     "unknown key " + cited(key.str()) + ": expected name, commands, names, roles, purpose or max_ttl");
    return true;
  }

  bool read_commands(const toml::table& table) {
    const toml::node* node = table.get("commands");
    const auto texts = node ? texts_in(*node) : std::nullopt;
    if (!texts)
      return fault(line_of(node ? *node : table),
                   "commands must be a list of different commands such as [\"file put\", \"kv *\"]");
    for (const std::string& text : *texts)
      if (std::ranges::none_of(commands_, [&](const auto& command) { return is_command_of(text, command); }))
        return fault(line_of(*node), "unknown command " + cited(text) + ": expected a command of `troupe api routes`");
    rule_->commands = *texts;
    return true;
  }

  bool read_names(const toml::table& table) {
    const toml::node* node = table.get("names");
    if (node == nullptr) return true;
    const auto* text = node->as_string();
    if (text == nullptr || !is_rule_text(text->get()))
      return fault(line_of(*node), "names must be a text such as \"reports/**\", of 1 to " +
                                       std::to_string(kRuleTextBytesMax) + " bytes");
    rule_->names = text->get();
    return true;
  }

  bool read_roles(const toml::table& table) {
    const toml::node* node = table.get("roles");
    if (node == nullptr) return true;
    const auto texts = texts_in(*node);
    if (!texts || !std::ranges::all_of(*texts, [](const auto& text) { return is_in(kRuleRoles, text); }))
      return fault(line_of(*node), "roles must be a list of different roles: viewer, user, operator, admin");
    rule_->roles = *texts;
    return true;
  }

  bool read_purpose(const toml::table& table) {
    const toml::node* node = table.get("purpose");
    if (node == nullptr) return true;
    const auto* any = node->as_boolean();
    const auto texts = texts_in(*node);
    if (any != nullptr && any->get()) {
      rule_->purposes.emplace();
    } else if (texts && std::ranges::all_of(*texts, is_purpose)) {
      rule_->purposes = texts;
    } else {
      return fault(line_of(*node), "purpose must be true, or a list of different purposes of 1 to " +
                                       std::to_string(kRuleTextBytesMax) + " bytes, without spaces at the ends");
    }
    return true;
  }

  // As a header can have it: HTTP removes spaces at both ends of a value.
  static bool is_purpose(const std::string& text) {
    constexpr std::string_view kSpaces = " \t";
    return is_rule_text(text) && base::is_plain(text) && kSpaces.find(text.front()) == std::string_view::npos &&
           kSpaces.find(text.back()) == std::string_view::npos;
  }

  bool read_ttl(const toml::table& table) {
    const toml::node* node = table.get("max_ttl");
    if (node == nullptr) return true;
    const auto* text = node->as_string();
    const auto span = text != nullptr ? config::parse_duration(text->get()) : std::nullopt;
    if (!span || *span <= base::Duration::zero())
      return fault(line_of(*node), "max_ttl must be a time above zero such as \"30d\" or \"12h\"");
    rule_->ttl_max = *span;
    return true;
  }

  bool is_in_rules(std::string_view name) const {
    return std::ranges::any_of(rules_, [&](const Rule& one) { return one.name == name; });
  }

  static std::size_t line_of(const toml::node& node) { return node.source().begin.line; }

  bool fault(std::size_t line, const std::string& what) {
    std::string where = "line " + std::to_string(line);
    if (rule_ != nullptr)
      where += ", rule " + (rule_->name.empty() ? std::to_string(rules_.size()) : cited(rule_->name));
    error_ = base::Error{base::Code::malformed, where + ": " + what};
    return false;
  }

  const std::vector<std::string>& commands_;
  std::vector<Rule> rules_;
  Rule* rule_ = nullptr;  // the rule that is being read
  std::optional<base::Error> error_;
};

}  // namespace

base::Outcome<Rules> Rules::parse(std::string_view toml, const std::vector<std::string>& commands) {
  RulesReader reader(commands);
  if (const auto error = reader.read(toml)) return *error;
  Rules out;
  out.rules_ = reader.take();
  return out;
}

}  // namespace troupe::apps::api
