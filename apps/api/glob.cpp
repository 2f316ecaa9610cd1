#include "apps/api/glob.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe::apps::api {

std::vector<std::string> split_at_stars(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t begin = 0;;) {
    const std::size_t star = text.find('*', begin);
    out.emplace_back(text.substr(begin, star - begin));
    if (star == std::string_view::npos) return out;
    begin = star + 1;
  }
}

Glob::Glob(std::string_view text) : literals_(split_at_stars(text)) {}

Glob::Glob(std::vector<std::string> literals) : literals_(std::move(literals)) {
  base::ensure(!literals_.empty(), "a glob has a literal, which may be empty");
}

// The first place of each literal is as good as any later place, because the stars around it match everything else. So
// nothing is ever tried twice.
bool Glob::matches(std::string_view text) const {
  if (const std::string* whole = literal()) return text == *whole;
  const std::string& first = literals_.front();
  const std::string& last = literals_.back();
  if (text.size() < first.size() + last.size() || !text.starts_with(first) || !text.ends_with(last)) return false;
  text = text.substr(first.size(), text.size() - first.size() - last.size());
  for (std::size_t i = 1; i + 1 < literals_.size(); ++i) {
    const std::size_t at = text.find(literals_[i]);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + literals_[i].size());
  }
  return true;
}

}  // namespace troupe::apps::api
