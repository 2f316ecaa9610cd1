#include "runtime/config/toml_file.hpp"

#include <toml++/toml.h>

#include <algorithm>

#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/config/toml_shape.hpp"

namespace troupe::config {
namespace {

constexpr std::size_t kShownBytesMax = 80;  // of a name or value in a problem, because it may be a megabyte long

std::string shown(std::string_view text) { return '"' + base::shortened(text, kShownBytesMax) + '"'; }

std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  return std::nullopt;
}

// A negative number has the right type but is out of bounds. It counts as the wrong type here, with the same message.
std::optional<std::uint64_t> count_of(const toml::node& node) {
  const auto* number = node.as_integer();
  if (!number || number->get() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(number->get());
}

std::optional<Value> texts_of(const toml::node& node) {
  const auto* array = node.as_array();
  if (!array) return std::nullopt;
  Texts out;
  for (const auto& item : *array) {
    const auto text = text_of(item);
    if (!text) return std::nullopt;
    out.push_back(*text);
  }
  return Value(std::move(out));
}

std::optional<Value> pairs_of(const toml::node& node) {
  const auto* table = node.as_table();
  if (!table) return std::nullopt;
  Pairs out;
  for (const auto& [name, item] : *table) {
    const auto text = text_of(item);
    if (!text) return std::nullopt;
    out.emplace(std::string(name.str()), *text);
  }
  return Value(std::move(out));
}

std::optional<Value> value_of(Kind kind, const toml::node& node) {
  switch (kind) {
    case Kind::flag:
      if (const auto* on = node.as_boolean()) return Value(on->get());
      return std::nullopt;
    case Kind::count:
      if (const auto number = count_of(node)) return Value(*number);
      return std::nullopt;
    case Kind::duration:
      if (const auto text = text_of(node))
        if (const auto span = parse_duration(*text)) return Value(*span);
      return std::nullopt;
    case Kind::bytes: {
      if (const auto number = count_of(node)) return Value(ByteCount{*number});
      const auto text = text_of(node);
      if (!text) return std::nullopt;
      if (const auto count = parse_bytes(*text)) return Value(*count);
      return std::nullopt;
    }
    case Kind::text:
      if (auto text = text_of(node)) return Value(std::move(*text));
      return std::nullopt;
    case Kind::texts: return texts_of(node);
    case Kind::pairs: return pairs_of(node);
  }
  return std::nullopt;
}

std::string_view expected_in_file(Kind kind) {
  switch (kind) {
    case Kind::flag: return "true or false";
    case Kind::count: return "a whole number, not negative";
    case Kind::duration: return "a duration such as \"60s\" or \"250ms\"";
    case Kind::bytes: return "a size such as \"4 MiB\" or a number of bytes";
    case Kind::text: return "a text in quotes";
    case Kind::texts: return "a list of texts such as [\"a\", \"b\"]";
    case Kind::pairs: return "a section of texts";
  }
  return "";
}

class Reader {
 public:
  Reader(const Table& table, const TextFile& file) : table_(table), file_(file) {}

  FileContents read() {
    if (file_.text.size() > kFileBytesMax) {
      problem(1, "longer than " + bytes_text({kFileBytesMax}));
    } else if (const auto line = too_deep_line(file_.text)) {
      problem(*line, "nested too deeply");
    } else {
      parse();
    }
    // toml++ sorts by key; people read a file from top to bottom.
    std::stable_sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return a.line < b.line; });
    for (auto& found : found_) out_.problems.push_back({where(found.line), std::move(found.what)});
    return std::move(out_);
  }

 private:
  struct Found {
    std::size_t line;
    std::string what;
  };

  void parse() {
    try {
      const toml::table root = toml::parse(std::string_view(file_.text), std::string_view(file_.name));
      walk(root, "");
    } catch (const toml::parse_error& error) {
      problem(error.source().begin.line, base::shortened(error.description(), 4 * kShownBytesMax));
    }
  }

  void walk(const toml::table& section, const std::string& prefix) {
    for (const auto& [name, node] : section) {
      if (found_.size() >= kProblemsMax) return;
      const std::string key = prefix + std::string(name.str());
      const auto line = name.source().begin.line;
      if (const Setting* setting = table_.find(key)) {
        take(*setting, node, line);
      } else if (!table_.is_section(key)) {
        problem(line, "unknown key " + shown(key) + "; did you mean \"" + std::string(table_.nearest(key)) + "\"?");
      } else if (const auto* inner = node.as_table()) {
        walk(*inner, key + '.');
      } else {
        problem(line, shown(key) + " is a section, not a value");
      }
    }
  }

  void take(const Setting& setting, const toml::node& node, std::size_t line) {
    auto value = value_of(setting.kind, node);
    if (!value)
      return problem(line, std::string(setting.key) + " must be " + std::string(expected_in_file(setting.kind)));
    if (const auto wanted = fault(setting, *value))
      return problem(line, std::string(setting.key) + " must be " + *wanted);
    out_.values.push_back({&setting, std::move(*value), where(line)});
  }

  std::string where(std::size_t line) const { return file_.name + ':' + std::to_string(line); }
  void problem(std::size_t line, std::string what) { found_.push_back({line, std::move(what)}); }

  const Table& table_;
  const TextFile& file_;
  FileContents out_;
  std::vector<Found> found_;
};

}  // namespace

std::optional<Value> read_toml_value(Kind kind, std::string_view text) {
  const std::string line = "value = " + std::string(text.substr(0, kFileBytesMax + 1));
  if (text.size() > kFileBytesMax || too_deep_line(line)) return std::nullopt;
  try {
    const toml::table root = toml::parse(std::string_view(line));
    const auto* node = root.size() == 1 ? root.get("value") : nullptr;  // more would mean another key after a new line
    return node ? value_of(kind, *node) : std::nullopt;
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
}

FileContents read_toml(const Table& table, const TextFile& file) { return Reader(table, file).read(); }

}  // namespace troupe::config
