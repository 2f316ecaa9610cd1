#include "runtime/config/toml_shape.hpp"

#include <algorithm>

namespace troupe::config {
namespace {

// Scans TOML as far as needed to tell strings and comments from structure. In invalid TOML it may be wrong only after
// the first error, where the parser stops too.
class Scanner {
 public:
  explicit Scanner(std::string_view toml) : left_(toml) {}

  std::optional<std::size_t> too_deep_line() {
    while (!left_.empty()) {
      switch (left_.front()) {
        case '"':
        case '\'': skip_text(); continue;
        case '#': left_.remove_prefix(std::min(left_.find('\n'), left_.size())); continue;
        case '\n': next_line(); break;
        case '.': ++dots_; break;
        case '[':
        case '{': ++nesting_; break;
        case ']':
        case '}': nesting_ -= nesting_ == 0 ? 0 : 1; break;
        default: break;
      }
      if (dots_ > kTomlDotsMax || nesting_ > kTomlNestingMax) return line_;
      left_.remove_prefix(1);
    }
    return std::nullopt;
  }

 private:
  void next_line() {
    ++line_;
    dots_ = 0;
  }

  // A single-line string ends at its quote or its line; a multi-line string ends with three quotes.
  void skip_text() {
    const char quote = left_.front();
    const bool long_text = left_.size() >= 3 && left_[1] == quote && left_[2] == quote;
    left_.remove_prefix(long_text ? 3 : 1);
    while (!left_.empty()) {
      const char c = left_.front();
      if (!long_text && c == '\n') return;
      if (c == '\n') next_line();
      if (c == '\\' && quote == '"') {
        left_.remove_prefix(1);
        if (!left_.empty() && left_.front() != '\n') left_.remove_prefix(1);
        continue;
      }
      if (c == quote && (!long_text || left_.starts_with(quote == '"' ? "\"\"\"" : "'''"))) {
        left_.remove_prefix(long_text ? 3 : 1);
        // A multi-line string may end with up to two quotes that belong to it.
        for (int own = 0; long_text && own < 2 && left_.starts_with(quote); ++own) left_.remove_prefix(1);
        return;
      }
      left_.remove_prefix(1);
    }
  }

  std::string_view left_;
  std::size_t line_ = 1;
  std::size_t dots_ = 0;
  std::size_t nesting_ = 0;
};

}  // namespace

std::optional<std::size_t> too_deep_line(std::string_view toml) { return Scanner(toml).too_deep_line(); }

}  // namespace troupe::config
