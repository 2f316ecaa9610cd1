#pragma once
// The filter language of `troupe inspect`, `troupe trace` and the screens, which selects actors.
//
//   kind=peer mailbox>10        not /peer/** busy>50%        lastError~"timed out" restarts!=0
//
// Form    README.md, "The filter language".
// Limits  kFilterBytesMax, kFilterTermsMax, kFilterRegexesMax, and the limits of globs, numbers and regular
//         expressions. Parsing does not recurse.
// Owner   its user; a filter is a value.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.hpp"
#include "runtime/observe/logic/mistake.hpp"
#include "runtime/observe/logic/row.hpp"
#include "runtime/observe/logic/term.hpp"

namespace troupe::observe {

inline constexpr std::size_t kFilterBytesMax = 1'000;  // our choice: a dozen lines of a terminal
inline constexpr std::size_t kFilterTermsMax = 32;     // each term costs time for each actor
inline constexpr std::size_t kFilterRegexesMax = 4;    // each about 1 ms: together less than the feed's slice of 5 ms

class Filter {
 public:
  /// Selects every actor.
  Filter() = default;

  /// Errors: the first mistake; its position is within `text` or at its end.
  static base::Result<Filter, Mistake> parse(std::string_view text);

  bool holds(const ActorRow& row) const;

  /// Whether the filter has no term or only `/**`, and so selects every actor. Other filters may also select every
  /// actor.
  bool means_all() const;

  /// Whether it has a regular expression. If so, holds() may take kFilterRegexesMax milliseconds.
  bool slow() const;

  /// Returns the filter as written, with one blank between terms and none around operators. Parses to an equal filter.
  std::string text() const;

  /// Equal if their texts are equal, apart from blanks.
  friend bool operator==(const Filter& a, const Filter& b) { return a.text() == b.text(); }

 private:
  explicit Filter(std::vector<Term> terms) : terms_(std::move(terms)) {}

  std::vector<Term> terms_;
};

}  // namespace troupe::observe
