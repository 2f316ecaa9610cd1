#pragma once
// An untrusted regular expression, which can neither overflow the stack nor take exponential time.
//
// Source  RE2: github.com/google/re2/wiki/Syntax, matched in time linear in the text. Not std::regex, which recurses
//         for each character and backtracks.
// Limits  kRegexBytesMax, kRegexMemoryMax (including the cache of a match), and kRegexStepsMax. Only the first
//         kMatchedBytesMax of a text are matched.
// Owner   its user; a copy shares the compiled pattern, and several threads may match at once.
#include <cstddef>
#include <memory>
#include <string_view>

#include "runtime/base/result.hpp"
#include "runtime/observe/logic/mistake.hpp"

namespace re2 {
class RE2;
}

namespace troupe::observe {

inline constexpr std::size_t kRegexBytesMax = 128;           // our choice: refusing the worst pattern takes 10 ms
inline constexpr std::size_t kRegexMemoryMax = 256 * 1'024;  // of RE2, including its cache
inline constexpr std::size_t kRegexStepsMax = 250;           // of the program: the time for one byte of a text
inline constexpr std::size_t kMatchedBytesMax = 256;         // any path fits; the worst match takes about 1 ms

class Regex {
 public:
  /// Errors: empty, too long, too large, or not a regular expression; the position is within `pattern`.
  static base::Result<Regex, Mistake> parse(std::string_view pattern);

  /// Whether it matches somewhere in the text.
  bool found_in(std::string_view text) const;

 private:
  explicit Regex(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}

  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace troupe::observe
