#pragma once
// The filter language of `troupe inspect`, `troupe trace` and the screens: which actors are meant.
//
//   filter    terms with blanks between them, all of which must hold; without any, every actor is meant
//   term      test | not test
//   test      field op value     with or without blanks around op: mailbox>10   oldestMs >= 1.5s   kind = peer
//             /glob              begins with a slash: /peer/** (glob.hpp)
//             /regex/            ends with one too: a part of the path matches; short for path~/regex/
//   op        of a text:  =  !=  ~            of all else:  =  !=  <  <=  >  >=
//   value     a text is a word, or stands in quotes with \" and \\ in it; "" is empty; = compares whole texts, by case
//             a number is in the field's unit or names one: 10ms, 1s, 50%, 50 % (number.hpp)
//   field     a name of row.hpp, or a heading of the list: oldest, PER SECOND
//             of ~ it is a regular expression, also between slashes; found anywhere in the text (regex.hpp)
//
//   kind=peer mailbox>10                     not /peer/** busy>50%           lastError~"timed out" restarts!=0
//
// What begins and ends with a slash is a regular expression, after ~ too, unless it stands in quotes; a slash at the
// end that has a \ before it does not count. What begins with one alone is a glob; after ~ that slash is a character.
//
// Limits  kFilterBytesMax, kFilterTermsMax, kFilterRegexesMax; those of globs, numbers and regular expressions. Parsing
//         does not recurse.
// Owner   anyone; a filter is a value.
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
inline constexpr std::size_t kFilterTermsMax = 32;     // each costs time for each actor
inline constexpr std::size_t kFilterRegexesMax = 4;    // at about 1 ms: less for an actor than the feed's slice of 5 ms

class Filter {
 public:
  /// Every actor is meant.
  Filter() = default;

  /// Errors: the first mistake, whose place lies within `text` or at its end.
  static base::Result<Filter, Mistake> parse(std::string_view text);

  bool holds(const Row& row) const;

  /// Whether it means every actor by its form: it has no term, or /** alone. Others may do so as well, by chance.
  bool means_all() const;

  /// Whether it has a regular expression: then holds() may take kFilterRegexesMax milliseconds.
  bool slow() const;

  /// As it was written, but with one blank between terms and none around operators. Parses to an equal filter.
  std::string text() const;

  /// Written alike, blanks aside.
  friend bool operator==(const Filter& a, const Filter& b) { return a.text() == b.text(); }

 private:
  explicit Filter(std::vector<Term> terms) : terms_(std::move(terms)) {}

  std::vector<Term> terms_;
};

}  // namespace troupe::observe
