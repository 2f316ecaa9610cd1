#include "runtime/config/setting.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/base/nearest.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/config/toml_file.hpp"

namespace troupe::config {
namespace {

std::string bound_text(const Setting& setting, std::uint64_t bound) {
  if (setting.kind == Kind::duration) return duration_text(base::Duration(static_cast<base::Duration::rep>(bound)));
  if (setting.kind == Kind::bytes) return bytes_text({bound});
  return std::to_string(bound);
}

std::optional<std::string> outside(const Setting& setting, std::uint64_t measure, std::string_view of_what) {
  if (measure >= setting.min && measure <= setting.max) return std::nullopt;
  return std::string(of_what) + "from " + bound_text(setting, setting.min) + " to " + bound_text(setting, setting.max);
}

/// Returns what `text` should be, or nullopt if it is one of `choices` or there are no choices.
std::optional<std::string> one_of(std::span<const std::string_view> choices, const std::string& text) {
  if (choices.empty() || std::find(choices.begin(), choices.end(), text) != choices.end()) return std::nullopt;
  std::string wanted = "one of";
  for (const auto choice : choices) wanted += ' ' + std::string(choice);
  return wanted;
}

// A text may reach a terminal, a log line and a TOML file: only characters that all of them show unchanged are allowed.
std::optional<std::string> text_fault(const Setting& setting, const std::string& text, std::uint64_t length_max) {
  if (text.size() > length_max) return "at most " + std::to_string(length_max) + " bytes long";
  if (!base::is_plain(text)) return "UTF-8 text without control characters";
  if (auto wanted = one_of(setting.choices, text)) return wanted;
  return setting.check ? setting.check(text) : std::nullopt;
}

struct Fault {
  const Setting& setting;

  std::optional<std::string> operator()(bool) const { return std::nullopt; }
  std::optional<std::string> operator()(std::uint64_t number) const { return outside(setting, number, ""); }
  std::optional<std::string> operator()(base::Duration span) const {
    if (span < base::Duration::zero()) return "not negative";
    return outside(setting, nanoseconds(span), "");
  }
  std::optional<std::string> operator()(ByteCount count) const { return outside(setting, count.value, ""); }
  std::optional<std::string> operator()(const std::string& text) const {
    return text_fault(setting, text, setting.max);
  }
  std::optional<std::string> operator()(const Texts& items) const {
    if (auto wanted = outside(setting, items.size(), "a list whose length is ")) return wanted;
    for (const auto& item : items)
      if (auto wanted = text_fault(setting, item, kItemBytesMax)) return "a list in which each is " + *wanted;
    return std::nullopt;
  }
  std::optional<std::string> operator()(const Pairs& items) const {
    if (auto wanted = outside(setting, items.size(), "a section whose length is ")) return wanted;
    for (const auto& [name, item] : items) {
      if (name.empty() || name.size() > kItemBytesMax || !base::is_plain(name)) return "a section of plain names";
      if (auto wanted = one_of(setting.name_choices, name)) return "a section in which each name is " + *wanted;
      if (auto wanted = text_fault(setting, item, kItemBytesMax)) return "a section in which each is " + *wanted;
    }
    return std::nullopt;
  }
};

Texts split_commas(std::string_view text) {
  Texts items;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    items.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

std::optional<Pairs> split_pairs(std::string_view text) {
  Pairs pairs;
  for (const auto& item : split_commas(text)) {
    const auto equals = item.find('=');
    if (equals == std::string::npos) return std::nullopt;
    if (!pairs.emplace(item.substr(0, equals), item.substr(equals + 1)).second) return std::nullopt;
  }
  return pairs;
}

// Stores the value of `parsed` in `out`; returns false if it has none.
template <class T>
bool put(std::optional<T> parsed, Value& out) {
  if (parsed) out.emplace<T>(std::move(*parsed));
  return parsed.has_value();
}

std::optional<bool> parse_flag(std::string_view text) {
  if (text != "true" && text != "false") return std::nullopt;
  return text == "true";
}

// The output of `config show` can be used as input. An address such as [::1]:80 is not a list, because it ends with its
// port.
bool is_toml(Kind kind, std::string_view text) {
  return (kind == Kind::texts && text.starts_with('[') && text.ends_with(']')) ||
         (kind == Kind::pairs && text.starts_with('{') && text.ends_with('}'));
}

bool read_as_toml(Kind kind, std::string_view text, Value& out) {
  auto value = read_toml_value(kind, text);
  if (value) out = std::move(*value);
  return value.has_value();
}

bool read(Kind kind, std::string_view text, Value& out) {
  if (is_toml(kind, text)) return read_as_toml(kind, text, out);
  switch (kind) {
    case Kind::flag: return put(parse_flag(text), out);
    case Kind::count: return put(parse_count(text), out);
    case Kind::duration: return put(parse_duration(text), out);
    case Kind::bytes: return put(parse_bytes(text), out);
    case Kind::text: return put(std::optional(std::string(text)), out);
    case Kind::texts: return put(std::optional(split_commas(text)), out);
    case Kind::pairs: return put(split_pairs(text), out);
  }
  return false;
}

std::string_view expected(Kind kind) {
  switch (kind) {
    case Kind::flag: return "true or false";
    case Kind::count: return "a whole number";
    case Kind::duration: return "a duration such as \"60s\" or \"250ms\"";
    case Kind::bytes: return "a size such as \"4 MiB\" or a number of bytes";
    case Kind::text: return "text";
    case Kind::texts: return "a list such as a,b or [\"a\", \"b\"]";
    case Kind::pairs: return "pairs such as a=b,c=d or { a = \"b\", c = \"d\" }";
  }
  return "";
}

struct Toml {
  std::string operator()(bool on) const { return on ? "true" : "false"; }
  std::string operator()(std::uint64_t number) const { return std::to_string(number); }
  std::string operator()(base::Duration span) const { return '"' + duration_text(span) + '"'; }
  std::string operator()(ByteCount count) const { return '"' + bytes_text(count) + '"'; }
  std::string operator()(const std::string& text) const { return base::quoted(text); }
  std::string operator()(const Texts& items) const {
    std::string out = "[";
    for (const auto& item : items) out += (out.size() > 1 ? ", " : "") + base::quoted(item);
    return out + ']';
  }
  std::string operator()(const Pairs& items) const {
    std::string out = "{";
    for (const auto& [name, item] : items)
      out += (out.size() > 1 ? ", " : " ") + base::quoted(name) + " = " + base::quoted(item);
    return out + (items.empty() ? "}" : " }");
  }
};

}  // namespace

std::optional<std::string> fault(const Setting& setting, const Value& value) {
  base::ensure(value.index() == static_cast<std::size_t>(setting.kind), "a value has its setting's type");
  return std::visit(Fault{setting}, value);
}

base::Result<Value, std::string> parse(const Setting& setting, std::string_view text) {
  Value value;
  if (!read(setting.kind, text, value)) return std::string(expected(setting.kind));
  if (auto wanted = fault(setting, value)) return std::move(*wanted);
  return value;
}

std::string toml(const Value& value) { return std::visit(Toml{}, value); }

std::string environment_name(std::string_view key) {
  std::string out = "TROUPE_";
  for (const char c : key) {
    if (c == '.') out += "__";
    else out += (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

Table::Table(std::vector<std::span<const Setting>> parts) {
  for (const auto& part : parts) settings_.insert(settings_.end(), part.begin(), part.end());
  for (std::size_t i = 0; i < settings_.size(); ++i) {
    const Setting& setting = settings_[i];
    base::ensure(by_key_.emplace(setting.key, i).second, "each setting has a key of its own");
    base::ensure(by_environment_.emplace(environment_name(setting.key), i).second,
                 "each setting has a name of its own in the environment");
    base::ensure(parse(setting, setting.fallback).ok(), "a default keeps the bounds of its setting");
  }
  for (const Setting& setting : settings_) {
    if (setting.half_of.empty()) continue;
    const Setting* const whole = find(setting.half_of);
    base::ensure(whole != nullptr && whole->kind == Kind::duration && setting.kind == Kind::duration,
                 "a duration is half of another at most");
  }
}

void Table::limit_names(std::string_view key, std::vector<std::string_view> names) {
  const auto at = by_key_.find(key);
  base::ensure(at != by_key_.end() && settings_[at->second].kind == Kind::pairs && !names_ && !names.empty(),
               "the names of one setting with pairs are limited, once");
  names_ = std::make_shared<const std::vector<std::string_view>>(std::move(names));
  settings_[at->second].name_choices = *names_;
}

const Setting* Table::find(std::string_view key) const {
  const auto at = by_key_.find(key);
  return at == by_key_.end() ? nullptr : &settings_[at->second];
}

const Setting* Table::find_environment(std::string_view name) const {
  const auto at = by_environment_.find(name);
  return at == by_environment_.end() ? nullptr : &settings_[at->second];
}

bool Table::is_section(std::string_view prefix) const {
  const std::string start = std::string(prefix) + '.';
  const auto at = by_key_.lower_bound(start);
  return at != by_key_.end() && at->first.starts_with(start);
}

std::string_view Table::nearest(std::string_view key) const {
  std::vector<std::string_view> known;
  for (const auto& setting : settings_) known.push_back(setting.key);
  return base::nearest(key, known);
}

std::string Table::nearest_environment(std::string_view name) const {
  std::vector<std::string_view> known;
  for (const auto& entry : by_environment_) known.push_back(entry.first);
  return std::string(base::nearest(name, known));
}

}  // namespace troupe::config
