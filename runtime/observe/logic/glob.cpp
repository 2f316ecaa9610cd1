#include "runtime/observe/logic/glob.hpp"

#include <optional>

namespace troupe::observe {
namespace {

constexpr std::string_view kEscaped = "*?[]{}\\";

/// Returns the mistake at a character of a glob; empty if it is correct.
std::string wrong_at(std::string_view pattern, std::size_t at) {
  switch (pattern[at]) {
    case '/':
      if (at + 1 < pattern.size() && pattern[at + 1] != '/') return "";
      return at + 1 == pattern.size() && at == 0 ? "" : "a part of this path is empty";
    case '\\':
      if (at + 1 < pattern.size() && kEscaped.find(pattern[at + 1]) != std::string_view::npos) return "";
      return "in a glob \\ is only allowed before one of * ? [ ] { } \\";
    case '[':
    case ']':
    case '{':
    case '}': return "a glob has only * ? and **; write \\ before a literal bracket, or use a /regular expression/";
    default: return "";
  }
}

/// Matches one part of a path. After a mismatch the last * takes one more character; earlier stars need not change.
bool part_matches(std::string_view glob, std::string_view part) {
  std::size_t at = 0, in = 0, retry = 0;
  std::optional<std::size_t> star;  // the glob after the last *
  while (in < part.size()) {
    const bool escape = at < glob.size() && glob[at] == '\\';
    if (at < glob.size() && glob[at] == '*') {
      star = ++at;
      retry = in;
    } else if (at < glob.size() && (escape ? glob[at + 1] == part[in] : glob[at] == '?' || glob[at] == part[in])) {
      at += escape ? 2 : 1;
      ++in;
    } else if (star) {
      at = *star;
      in = ++retry;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', at) == std::string_view::npos;
}

/// Returns the first part: for "/a/b" it is "a", and "/b" follows.
std::string_view first_part(std::string_view path) { return path.substr(1, path.find('/', 1) - 1); }
std::string_view after_first(std::string_view path) { return path.substr(1 + first_part(path).size()); }

}  // namespace

base::Result<Glob, Mistake> Glob::parse(std::string_view pattern) {
  if (pattern.size() > kGlobBytesMax)
    return Mistake{kGlobBytesMax, "a glob has at most " + std::to_string(kGlobBytesMax) + " bytes"};
  if (pattern.empty() || pattern[0] != '/') return Mistake{0, "a glob of paths begins with a slash"};
  for (std::size_t at = 0; at < pattern.size(); at += pattern[at] == '\\' ? 2 : 1)
    if (std::string wrong = wrong_at(pattern, at); !wrong.empty()) return Mistake{at, std::move(wrong)};
  std::vector<std::string> parts;
  for (std::string_view rest = pattern; rest.size() > 1; rest = after_first(rest)) parts.emplace_back(first_part(rest));
  return Glob(std::move(parts));
}

bool Glob::matches(std::string_view path) const {
  if (path.empty() || path[0] != '/') return false;
  if (path == "/") path = {};
  std::size_t at = 0;
  std::string_view retry;
  std::optional<std::size_t> stars;  // the parts after the last **
  while (!path.empty()) {
    if (at < parts_.size() && parts_[at] == "**") {
      stars = ++at;
      retry = path;
    } else if (at < parts_.size() && part_matches(parts_[at], first_part(path))) {
      ++at;
      path = after_first(path);
    } else if (stars) {
      at = *stars;
      path = retry = after_first(retry);
    } else {
      return false;
    }
  }
  while (at < parts_.size() && parts_[at] == "**") ++at;
  return at == parts_.size();
}

}  // namespace troupe::observe
