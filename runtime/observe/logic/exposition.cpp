#include "runtime/observe/logic/exposition.hpp"

#include <algorithm>
#include <set>

#include "runtime/base/ensure.hpp"
#include "runtime/base/text.hpp"

namespace troupe::observe {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The format also allows a colon, which is reserved for values that the server computes.
bool is_name(std::string_view text) {
  return !text.empty() && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

/// Escaped for a quoted value or a help line; a help line does not know the escape \".
std::string escaped(std::string_view plain, bool quotes) {
  std::string out;
  out.reserve(plain.size());
  for (const char c : plain) {
    if (c == '\\') out += "\\\\";
    else if (c == '\n') out += "\\n";
    else if (c == '"' && quotes) out += "\\\"";
    else out += c;
  }
  return out;
}

/// Exact, without floating point.
std::string seconds(base::Duration span) {
  constexpr std::uint64_t kNanos = 1'000'000'000;
  const bool negative = span < base::Duration::zero();
  const auto count = static_cast<std::uint64_t>(span.count());
  const std::uint64_t nanos = negative ? 0 - count : count;  // also for the smallest number, which has no negation
  std::string out = (negative ? "-" : "") + std::to_string(nanos / kNanos);
  if (nanos % kNanos == 0) return out;
  const std::string rest = std::to_string(kNanos + nanos % kNanos).substr(1);
  return out + '.' + rest.substr(0, rest.find_last_not_of('0') + 1);
}

std::string text_of(const MetricValue& value) {
  if (const auto* span = std::get_if<base::Duration>(&value)) return seconds(*span);
  return std::to_string(std::get<std::uint64_t>(value));
}

/// Returns `{a="1",b="2"}`, or nothing.
std::string text_of(const Labels& labels) {
  std::set<std::string_view> names;
  std::string out;
  for (const auto& [name, value] : labels) {
    base::ensure(is_name(name) && !name.starts_with("__"), "a label has a name that the format takes");
    base::ensure(names.insert(name).second, "a sample has each label once");
    out += (out.empty() ? '{' : ',') + name + "=\"" + escaped(base::printable(value, kLabelBytesMax), true) + '"';
  }
  return out.empty() ? out : out + '}';
}

}  // namespace

std::string exposition(const std::vector<Family>& families) {
  std::set<std::string_view> names;
  std::string out;
  for (const Family& family : families) {
    const bool counter = family.type == MetricType::counter;
    base::ensure(is_name(family.name), "a metric has a name that the format takes");
    base::ensure(counter == family.name.ends_with("_total"), "what only grows is called a total");
    base::ensure(names.insert(family.name).second, "a metric is listed once");
    out += "# HELP " + family.name + ' ' + escaped(family.help, false) + '\n';
    out += "# TYPE " + family.name + (counter ? " counter\n" : " gauge\n");
    std::set<Labels> given;
    std::set<std::string> told;
    for (const Sample& sample : family.samples) {
      base::ensure(given.insert(sample.labels).second, "each sample of a metric has labels of its own");
      const std::string labels = text_of(sample.labels);
      // If cutting made two series equal, the first stays: a repeated series would spoil the whole scrape.
      if (told.insert(labels).second) out += family.name + labels + ' ' + text_of(sample.value) + '\n';
    }
  }
  return out;
}

}  // namespace troupe::observe
