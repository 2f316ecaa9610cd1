#include "apps/sim/scenario_fields.hpp"

#include <algorithm>

#include "apps/sim/span.hpp"
#include "runtime/base/nearest.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kShownBytesMax = 80;  // of a name or value in an error: it may be a megabyte long
constexpr std::size_t kListedMax = 8;       // fields that are listed for an unknown field: as many as fit into a line
constexpr std::string_view kNumber = "a whole number";
constexpr std::string_view kSpan = "a time such as \"1.5s\"";
constexpr std::string_view kFlag = "true or false";
constexpr std::string_view kNode = "a node such as \"n1\"";

}  // namespace

void FirstProblem::note(std::size_t line, std::string what) {
  if (!takes(line)) return;
  line_ = line;
  what_ = std::move(what);
}

std::string shown(std::string_view text) { return '"' + base::shortened(text, kShownBytesMax) + '"'; }

std::string did_you_mean(std::string_view typed, const std::vector<std::string_view>& known) {
  if (known.empty()) return " is not known";
  return " is not known; did you mean \"" + std::string(base::nearest(typed, known)) + "\"?";
}

std::size_t line_of(const toml::node& node) { return node.source().begin.line; }

std::size_t Fields::line(std::string_view key) const {
  const toml::node* found = table_.get(key);
  return line_of(found ? *found : table_);
}

const toml::node* Fields::find(std::string_view key, Need need, std::string_view wanted) {
  known_.push_back(key);
  const toml::node* found = table_.get(key);
  if (!found && need == Need::must)
    problem_.note(line_of(table_), what_ + " needs " + std::string(key) + ", " + std::string(wanted));
  return found;
}

std::optional<std::int64_t> Fields::number(std::string_view key, Need need, std::int64_t min, std::int64_t max) {
  const auto* found = find(key, need, kNumber);
  if (!found) return std::nullopt;
  const auto* number = found->as_integer();
  if (number && number->get() >= min && number->get() <= max) return number->get();
  wrong(key, " must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

std::optional<base::Duration> Fields::span(std::string_view key, Need need, base::Duration max) {
  const auto written = text(key, need, kSpan);
  if (!written) return std::nullopt;
  const auto span = parse_span(*written);
  if (span && *span <= max) return span;
  wrong(key, span ? " must be at most \"" + span_text(max) + '"' : " must be " + std::string(kSpan));
  return std::nullopt;
}

std::optional<bool> Fields::flag(std::string_view key, Need need) {
  const auto* found = find(key, need, kFlag);
  if (!found) return std::nullopt;
  if (const auto* on = found->as_boolean()) return on->get();
  wrong(key, " must be " + std::string(kFlag));
  return std::nullopt;
}

std::optional<std::string> Fields::text(std::string_view key, Need need, std::string_view wanted) {
  const auto* found = find(key, need, wanted);
  if (!found) return std::nullopt;
  if (const auto* text = found->as_string()) return text->get();
  wrong(key, " must be " + std::string(wanted));
  return std::nullopt;
}

std::optional<std::vector<std::string>> Fields::texts(std::string_view key, Need need, std::string_view wanted) {
  const auto* found = find(key, need, wanted);
  if (!found) return std::nullopt;
  const auto* list = found->as_array();
  std::vector<std::string> out;
  for (std::size_t i = 0; list && i < list->size(); ++i)
    if (const auto* text = (*list)[i].as_string()) out.push_back(text->get());
  if (list && out.size() == list->size()) return out;
  wrong(key, " must be " + std::string(wanted));
  return std::nullopt;
}

std::optional<std::uint16_t> Fields::node(std::string_view key, Need need, std::uint16_t nodes) {
  const auto written = text(key, need, kNode);
  return written ? node(std::string(key), *written, nodes) : std::nullopt;
}

std::optional<std::uint16_t> Fields::node(const std::string& key, const std::string& text, std::uint16_t nodes) {
  const auto number = text.starts_with('n') ? config::parse_count(text.substr(1)) : std::nullopt;
  if (number && *number >= 1 && *number <= nodes) return static_cast<std::uint16_t>(*number - 1);
  wrong(key,
        ": " + shown(text) + " is not a node of this world; its nodes are \"n1\" to \"n" + std::to_string(nodes) + '"');
  return std::nullopt;
}

void Fields::refuse_others() {
  for (const auto& [name, value] : table_) {
    const std::string_view key = name.str();
    const auto at = name.source().begin.line;
    if (problem_.takes(at) && std::find(known_.begin(), known_.end(), key) == known_.end())
      problem_.note(at, not_known(key));
  }
}

std::string Fields::not_known(std::string_view key) const {
  if (known_.size() > kListedMax) return shown(key) + did_you_mean(key, known_);
  std::string out;
  for (const auto one : known_) out += (out.empty() ? " has no " + shown(key) + ", but " : ", ") + std::string(one);
  return what_ + out;
}

}  // namespace troupe::apps
