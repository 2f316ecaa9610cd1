#pragma once
// A text with `*`, for rules (rules.hpp) and for the segments of path patterns (pattern.hpp).
//
// Match   `*` stands for any bytes, also for none and for `/`; so `**` is the same as `*`. All other bytes are literal.
// Cost    at most the bytes of the text times the bytes of the glob, with the whole text or with any text.
#include <string>
#include <string_view>
#include <vector>

namespace troupe::apps::api {

class Glob {
 public:
  explicit Glob(std::string_view text);
  /// Takes the literals before, between and after the stars; they may contain `*`. Without literals it is a broken
  /// invariant.
  explicit Glob(std::vector<std::string> literals);

  bool matches(std::string_view text) const;
  /// Returns the text if the glob has no star, otherwise null.
  const std::string* literal() const { return literals_.size() == 1 ? &literals_.front() : nullptr; }

  friend bool operator==(const Glob&, const Glob&) = default;

 private:
  std::vector<std::string> literals_;  // there is a star between each two of them
};

/// Returns the parts of a text between the stars: one more than there are stars.
std::vector<std::string> split_at_stars(std::string_view text);

}  // namespace troupe::apps::api
