#pragma once
// One parsed term of a filter. Built only by the parser of filter.hpp.
#include <cstdint>
#include <string>
#include <variant>

#include "runtime/observe/logic/glob.hpp"
#include "runtime/observe/logic/regex.hpp"
#include "runtime/observe/logic/row.hpp"

namespace troupe::observe {

enum class Operator : std::uint8_t { equal, unequal, less, at_most, more, at_least, matches };

struct GlobTest {
  Glob glob;
  bool holds(const ActorRow& row) const;
};
struct RegexTest {
  const Field* field;  ///< a text field
  Regex regex;
  bool holds(const ActorRow& row) const;
};
struct WordTest {
  std::string word;
  bool holds(const ActorRow& row) const;
};
struct TextTest {
  const Field* field;  ///< a text field
  Operator op;         ///< equal or unequal
  std::string value;
  bool holds(const ActorRow& row) const;
};
struct NumberTest {
  const Field* field;  ///< not a text field
  Operator op;         ///< any but matches
  std::uint64_t thousandths;
  bool holds(const ActorRow& row) const;
};

struct Term {
  enum class Sense : std::uint8_t { plain, negated };

  Sense sense;
  std::string spelling;  ///< as written, without `not` and without blanks around the operator
  std::variant<GlobTest, RegexTest, WordTest, TextTest, NumberTest> test;

  bool holds(const ActorRow& row) const;
};

}  // namespace troupe::observe
