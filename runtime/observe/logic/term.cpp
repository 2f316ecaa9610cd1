#include "runtime/observe/logic/term.hpp"

namespace troupe::observe {
namespace {

template <class T>
bool compare(const T& left, Operator op, const T& right) {
  switch (op) {
    case Operator::equal: return left == right;
    case Operator::unequal: return left != right;
    case Operator::less: return left < right;
    case Operator::at_most: return left <= right;
    case Operator::more: return left > right;
    case Operator::at_least: return left >= right;
    case Operator::matches: break;
  }
  return false;
}

}  // namespace

bool GlobTest::holds(const ActorRow& row) const { return glob.matches(row.path); }
bool RegexTest::holds(const ActorRow& row) const { return regex.found_in(field->text(row)); }
bool WordTest::holds(const ActorRow& row) const {
  const auto has = [&](std::string_view text) { return text.find(word) != std::string_view::npos; };
  return has(row.path) || has(row.kind);
}
bool TextTest::holds(const ActorRow& row) const { return compare<std::string_view>(field->text(row), op, value); }
bool NumberTest::holds(const ActorRow& row) const { return compare(field->thousandths(row), op, thousandths); }

bool Term::holds(const ActorRow& row) const {
  const bool found = std::visit([&](const auto& of) { return of.holds(row); }, test);
  return found == (sense == Sense::plain);
}

}  // namespace troupe::observe
