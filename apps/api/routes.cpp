#include "apps/api/routes.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "runtime/base/ensure.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps::api {
namespace {

constexpr std::string_view kVersion = "v1";

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(at, begin);
    out.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return out;
    begin = end + 1;
  }
}

bool takes_file(const Command& command) {
  return std::ranges::any_of(command.positionals,
                             [](const Positional& one) { return one.field == Field::input && one.fields.empty(); });
}

/// A value of a hexadecimal digit, or -1.
int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::size_t fixed(const RouteRow& row) {
  return static_cast<std::size_t>(std::ranges::count_if(row.words, [](const auto& word) { return word != "*"; }));
}

/// Whether the path has the words of the row; "*" stands for any segment.
bool matches(const RouteRow& row, const std::vector<std::string>& segments) {
  if (segments.size() != row.words.size()) return false;
  for (std::size_t i = 0; i < segments.size(); ++i)
    if (row.words[i] != "*" && row.words[i] != segments[i]) return false;
  return true;
}

}  // namespace

const Positional* subject_of(const Command& command) {
  if (command.positionals.empty() || command.positionals.front().field != Field::value) return nullptr;
  const Positional& first = command.positionals.front();
  return first.arity == Arity::some && first.fields.size() > 1 ? nullptr : &first;
}

std::string field_name(const Option& option) {
  std::string out = option.alias.empty() || option.name.starts_with("--") ? option.name : option.alias;
  out.erase(0, out.find_first_not_of('-'));
  std::ranges::replace(out, '-', '_');
  return out;
}

std::vector<std::string> field_names(const Positional& positional) {
  if (!positional.fields.empty()) return positional.fields;
  std::string out = positional.name;
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return {out};
}

std::string path_of(const RouteRow& row) {
  std::string out = "/v1";
  const Positional* subject = subject_of(*row.command);
  for (const std::string& word : row.words)
    out += word == "*" && subject != nullptr ? "/{" + field_names(*subject).front() + '}' : '/' + word;
  return out;
}

bool is_field(Field field) { return field == Field::value || field == Field::input || field == Field::lines; }

std::optional<std::string> percent_decoded(std::string_view text, bool form) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += form && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = digit(text[i + 1]), low = digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!base::is_utf8(out)) return std::nullopt;
  return out;
}

Routes::Routes(const Commands& table) {
  const auto find = [&](std::string_view name) {
    const auto at = std::ranges::find(table, name, &Command::name);
    base::ensure(at != table.end() && at->route, "a short path leads to a command with a route");
    return &*at;
  };
  for (const Command& command : table) {
    if (!command.route || takes_file(command)) continue;
    RouteRow row{command.effect == Effect::read ? "GET" : "POST", split(command.name, ' '), &command};
    const Positional* subject = subject_of(command);
    rows_.push_back(row);
    row.words.push_back("*");
    if (subject) rows_.push_back(std::move(row));
  }
  rows_.push_back({"GET", {"nodes"}, find("registry ls"), {{"capability", "need"}}});
  rows_.push_back({"GET", {"nodes", "*"}, find("registry view")});
  rows_.push_back({"POST", {"nodes", "reputation"}, find("reputation report")});
  rows_.push_back({"PUT", {"files"}, find("file put")});
  rows_.push_back({"GET", {"files", "*"}, find("file get")});
  rows_.push_back({"GET", {"accounts", "*", "balance"}, find("wallet balance")});
  std::ranges::stable_sort(rows_, std::greater<>(), fixed);
}

Lookup Routes::find(std::string_view method, std::string_view path) const {
  if (path.empty() || path.front() != '/') return BadPath{"a path begins with /"};
  std::vector<std::string> segments;
  for (const std::string& segment : split(path.substr(1), '/')) {
    auto decoded = percent_decoded(segment, false);
    if (!decoded) return BadPath{"the path has an invalid escape, a NUL, or bytes that are not UTF-8"};
    if (decoded->empty() || *decoded == "." || *decoded == "..")
      return BadPath{"the path has an empty segment or a dot segment; give such an argument in the query"};
    segments.push_back(std::move(*decoded));
  }
  if (segments.front() != kVersion) return NoRoute{};
  segments.erase(segments.begin());
  if (method == "HEAD") method = "GET";
  std::set<std::string> allowed;
  std::size_t words = 0;
  for (const RouteRow& row : rows_) {
    if (!matches(row, segments) || (!allowed.empty() && fixed(row) < words)) continue;
    words = fixed(row);
    if (row.method != method) {
      allowed.insert(row.method);
      continue;
    }
    const auto star = std::ranges::find(row.words, "*");
    Called out{&row};
    if (star != row.words.end()) out.subject = segments[static_cast<std::size_t>(star - row.words.begin())];
    return out;
  }
  if (allowed.empty()) return NoRoute{};
  std::string list;
  for (const std::string& one : allowed) list += (list.empty() ? "" : ", ") + one;
  return WrongMethod{list};
}

}  // namespace troupe::apps::api
