#include "apps/api/fields.hpp"

#include <algorithm>
#include <set>

#include "apps/cli/json_read.hpp"
#include "apps/cli/parse.hpp"
#include "runtime/base/text.hpp"
#include "runtime/crypto/base64.hpp"

namespace troupe::apps::api {
namespace {

constexpr std::size_t kValuesMax = 20'000;  // our choice: a value takes some 100 bytes of memory

Failure wrong(std::string message) { return usage_failure(std::move(message), ""); }

/// Returns a text about an option or argument, with the name that a request has for it.
std::string renamed(const std::string& text, const std::string& name, const std::string& field) {
  return text.starts_with(name) ? '"' + field + '"' + text.substr(name.size()) : text;
}

FieldType type_of(const Option& option) {
  if (option.field == Field::input) return FieldType::bytes;
  if (option.field == Field::lines) return FieldType::lines;
  if (option.value.empty()) return FieldType::truth;
  return option.max > 0 || option.number ? FieldType::number : FieldType::text;
}

std::string joined_lines(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + '\n';
  return out;
}

std::optional<Failure> type_fault(const FieldRow& row, const Given& given) {
  if (!given.from_json) return std::nullopt;
  const bool is_list = row.many || row.type == FieldType::lines;
  if (given.list != is_list && !(given.list == false && row.many))
    return wrong('"' + row.name + (is_list ? "\" needs an array" : "\" needs one value, not an array"));
  const FieldType wanted = row.type > FieldType::truth ? FieldType::text : row.type;
  if (given.values.empty() || given.type == wanted) return std::nullopt;
  static constexpr std::string_view kNames[] = {"a string", "a whole number", "true or false", "an array of strings",
                                                "a string"};
  return wrong('"' + row.name + "\" needs " + std::string(kNames[static_cast<std::size_t>(row.type)]));
}

/// Reads the bytes of a file, or its content id. Returns the value that stands for it on the command line.
base::Result<std::string, Failure> take_file(const std::string& name, const std::string& field, const std::string& text,
                                             Read& out) {
  if (base::Digest::from_hex(text)) return text;
  auto bytes = crypto::base64_decoded(text);
  if (!bytes) return wrong('"' + field + "\" needs the bytes of a file in base64, or its content id");
  out.inputs[name] = std::move(*bytes);
  return std::string("-");
}

/// Takes the fields out of what was given, by name.
class Taker {
 public:
  Taker(const Called& called, GivenFields given) : given_(std::move(given)) {
    for (Given& one : given_) {
      const auto renamed = called.row->renamed.find(one.name);
      if (renamed != called.row->renamed.end()) one.name = renamed->second;
    }
  }

  const Given* take(const std::string& name) {
    const auto at = std::ranges::find(given_, name, &Given::name);
    if (at == given_.end()) return nullptr;
    taken_.insert(name);
    return &*at;
  }
  std::optional<std::string> left() const {
    for (const Given& one : given_)
      if (!taken_.contains(one.name)) return one.name;
    return std::nullopt;
  }

 private:
  GivenFields given_;
  std::set<std::string> taken_;
};

}  // namespace

std::vector<FieldRow> fields_of(const Command& command) {
  std::vector<FieldRow> out;
  for (const Positional& one : command.positionals) {
    if (!is_field(one.field) || (one.field == Field::input && one.fields.empty())) continue;
    const auto names = field_names(one);
    for (const std::string& name : names) {
      FieldRow row{.name = name, .help = one.help};
      if (one.field == Field::input) row.type = FieldType::bytes;
      if (one.field == Field::lines) row.type = FieldType::lines;
      row.many = is_many(one.arity) && names.size() == 1;
      row.required = names.size() == 1 && (one.arity == Arity::one || one.arity == Arity::some);
      if (one.field == Field::value) row.choices = one.choices;
      out.push_back(std::move(row));
    }
  }
  for (const Option& one : command.options) {
    if (!is_field(one.field)) continue;
    out.push_back({.name = field_name(one),
                   .help = one.help,
                   .type = type_of(one),
                   .many = one.repeatable,
                   .required = one.required,
                   .choices = one.choices,
                   .min = one.min,
                   .max = one.max});
  }
  return out;
}

base::Result<GivenFields, Failure> read_query(std::string_view query) {
  GivenFields out;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = percent_decoded(pair.substr(0, equals), true);
    auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return wrong("the query has an invalid escape, a NUL, or bytes that are not UTF-8");
    const auto known = std::ranges::find(out, *name, &Given::name);
    if (known != out.end()) known->values.push_back(std::move(*value));
    else out.push_back({std::move(*name), {std::move(*value)}});
  }
  return out;
}

base::Result<GivenFields, Failure> read_object(std::string_view json) {
  GivenFields out;
  if (json.find_first_not_of(" \t\r\n") == std::string_view::npos) return out;
  if (!base::is_utf8(json)) return wrong("the body is not UTF-8");
  const auto body = read_json(json, kValuesMax);
  if (!body || body->kind != JsonValue::Kind::object) return wrong("the body is not a JSON object");
  const auto add = [](Given& given, const JsonValue& value) {
    using Kind = JsonValue::Kind;
    if (value.kind != Kind::text && value.kind != Kind::number && value.kind != Kind::truth) return false;
    const FieldType type = value.kind == Kind::text     ? FieldType::text
                           : value.kind == Kind::number ? FieldType::number
                                                        : FieldType::truth;
    if (!given.values.empty() && given.type != type) return false;
    given.type = type;
    given.values.push_back(value.text);
    return true;
  };
  for (const auto& [name, value] : body->fields) {
    if (std::ranges::find(out, name, &Given::name) != out.end())
      return wrong("the field " + in_quotes(name) + " repeats");
    Given given{name, {}, true, value.kind == JsonValue::Kind::list};
    bool good = true;
    if (given.list) good = std::ranges::all_of(value.items, [&](const auto& item) { return add(given, item); });
    else good = add(given, value);
    if (!good) return wrong("the field " + in_quotes(name) + " has a value of a wrong type");
    out.push_back(std::move(given));
  }
  return out;
}

base::Result<Read, Failure> values_of(const Called& called, GivenFields given) {
  const Command& command = *called.row->command;
  Read out;
  Taker taker(called, std::move(given));
  const auto rows = fields_of(command);
  const auto take = [&](const std::string& name) -> base::Result<const Given*, Failure> {
    const Given* one = taker.take(name);
    const auto row = std::ranges::find(rows, name, &FieldRow::name);
    if (one != nullptr && row != rows.end())
      if (auto fault = type_fault(*row, *one)) return *fault;
    return one;
  };
  for (const Positional& positional : command.positionals) {
    auto& values = out.values[positional.name];
    if (positional.field == Field::input || positional.field == Field::lines) {
      values.emplace_back("-");
      if (positional.fields.empty()) continue;  // the body of the request
      const std::string& field = positional.fields.front();
      auto one = take(field);
      if (!one.ok()) return one.error();
      if (one.value() == nullptr || one.value()->values.empty())
        return wrong('"' + field + "\" is missing: " + positional.help);
      if (positional.field == Field::lines) {
        out.lines = joined_lines(one.value()->values);
        continue;
      }
      auto file = take_file(positional.name, field, one.value()->values.front(), out);
      if (!file.ok()) return file.error();
      values = {std::move(file).value()};
      continue;
    }
    if (!is_field(positional.field)) continue;
    const bool first = &positional == subject_of(command);
    if (first && called.subject) values.push_back(*called.subject);
    for (const std::string& name : field_names(positional)) {
      auto one = take(name);
      if (!one.ok()) return one.error();
      if (one.value() == nullptr) continue;
      if (first && called.subject) return wrong('"' + name + "\" is given twice: in the path and as a field");
      values.insert(values.end(), one.value()->values.begin(), one.value()->values.end());
    }
    if (values.size() > 1 && !is_many(positional.arity))
      return wrong('"' + field_names(positional).front() + "\" repeats");
    if (const auto why = fault(positional, values))
      return wrong(renamed(*why, positional.name, field_names(positional).front()));
  }
  for (const Option& option : command.options) {
    auto& values = out.values[option.name];
    if (!is_field(option.field)) continue;
    auto one = take(field_name(option));
    if (!one.ok()) return one.error();
    if (one.value() == nullptr) continue;
    values = one.value()->values;
    if (option.field == Field::lines) {
      out.lines = joined_lines(values);
      values = {"-"};
    } else if (option.field == Field::input && !values.empty()) {
      auto file = take_file(option.name, field_name(option), values.front(), out);
      if (!file.ok()) return file.error();
      values = {std::move(file).value()};
    } else if (option.value.empty()) {
      const std::string word = values.size() == 1 ? values.front() : "";
      if (word != "true" && word != "false") return wrong('"' + field_name(option) + "\" needs true or false");
      if (word == "false") values.clear();
    }
    if (const auto why = fault(option, values)) return wrong(renamed(*why, option.name, field_name(option)));
  }
  if (const auto name = taker.left()) return wrong("unknown field " + in_quotes(*name) + " for " + command.name);
  return out;
}

}  // namespace troupe::apps::api
