#include "runtime/observe/logic/filter.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "runtime/observe/logic/number.hpp"

namespace troupe::observe {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kOperatorBytes = "=!<>~";
constexpr std::string_view kEndsWord = " \t\r\n=!<>~\"/";

struct Spelling {
  std::string_view text;
  Operator op;
};
constexpr std::array<Spelling, 7> kOperators{{{"=", Operator::equal},
                                              {"!=", Operator::unequal},
                                              {"<", Operator::less},
                                              {"<=", Operator::at_most},
                                              {">", Operator::more},
                                              {">=", Operator::at_least},
                                              {"~", Operator::matches}}};

bool among(std::string_view bytes, char c) { return bytes.find(c) != std::string_view::npos; }

std::string operators_of(const Field& field) {
  return std::string(field.name) +
         (field.kind == FieldKind::text ? " is a text and takes = != ~" : " is a number and takes = != < <= > >=");
}

/// Whether it begins with a slash, and ends with another slash that has no \ before it.
bool between_slashes(std::string_view word) {
  if (word.size() < 2 || word.front() != '/' || word.back() != '/') return false;
  const std::string_view body = word.substr(0, word.size() - 1);
  const std::size_t last = body.find_last_not_of('\\');  // finds at least the first slash
  return (body.size() - 1 - last) % 2 == 0;
}

/// A value with its position in the whole text.
struct Value {
  std::size_t place;
  std::string_view raw;  // as written, with its quotes
  std::string text;      // without them
  bool quoted;

  /// Returns the position where a byte of `text` was written.
  std::size_t written(std::size_t of) const {
    if (!quoted) return place + of;
    std::size_t at = 1;
    for (; of > 0; --of) at += raw[at] == '\\' ? 2 : 1;
    return place + at;
  }
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  base::Result<std::vector<Term>, Mistake> terms() {
    std::vector<Term> terms;
    for (skip_blanks(); !at_end(); skip_blanks()) {
      if (terms.size() == kFilterTermsMax)
        return Mistake{at_, "a filter has at most " + std::to_string(kFilterTermsMax) + " terms"};
      auto next = term();
      if (!next.ok()) return next.error();
      terms.push_back(std::move(next).value());
      if (!at_end() && !among(kBlanks, text_[at_])) return Mistake{at_, "a blank is missing between two terms"};
    }
    return terms;
  }

 private:
  base::Result<Term, Mistake> term() {
    auto sense = Term::Sense::plain;
    if (upcoming(kEndsWord) == "not") {
      at_ += 3;
      if (!at_end() && !among(kBlanks, text_[at_])) return Mistake{at_, "expected a blank and a term after not"};
      skip_blanks();
      if (upcoming(kEndsWord) == "not") return Mistake{at_, "not is repeated; write it once"};
      sense = Term::Sense::negated;
    }
    const char first = at_end() ? ' ' : text_[at_];
    auto test = first == '/' ? path_test() : first == '~' ? word_test() : field_test();
    if (!test.ok()) return test.error();
    Term term = std::move(test).value();
    term.sense = sense;
    return term;
  }

  base::Result<Term, Mistake> path_test() {
    const Value word = this->word();
    if (among(word.raw, '"')) return Mistake{at_of(word, '"'), "quotes must enclose a whole value, after an operator"};
    if (between_slashes(word.raw)) return regex_test(*find_field("path"), word, std::string(word.raw));
    auto glob = Glob::parse(word.raw);
    if (!glob.ok()) return Mistake{word.place + glob.error().place, glob.error().message};
    return Term{Term::Sense::plain, std::string(word.raw), GlobTest{std::move(glob).value()}};
  }

  base::Result<Term, Mistake> word_test() {
    ++at_;
    if (at_end() || among(kBlanks, text_[at_])) return Mistake{at_, "a word is missing here, as in ~store"};
    auto word = value(Operator::matches);
    if (!word.ok()) return word.error();
    return Term{Term::Sense::plain, std::string("~").append(word.value().raw), WordTest{word.value().text}};
  }

  base::Result<Term, Mistake> field_test() {
    const std::size_t place = at_;
    std::string_view name = upcoming(kEndsWord);
    if (name.empty())
      return Mistake{at_, "a term is expected here: field op value, /glob, /regex/, ~word, or not before one of them"};
    at_ += name.size();
    const std::size_t after = at_;
    skip_blanks();
    const Field* field = find_field(name);
    if (field == nullptr && !upcoming(kEndsWord).empty()) {  // a heading of two words
      field = find_field(std::string(name).append(1, ' ').append(upcoming(kEndsWord)));
      if (field != nullptr) {
        at_ += upcoming(kEndsWord).size();
        skip_blanks();
      }
    }
    const std::string_view symbol = text_.substr(at_, text_.find_first_not_of(kOperatorBytes, at_) - at_);
    if (!field) return Mistake{place, unknown(name, symbol)};
    if (symbol.empty()) return Mistake{after, "an operator is missing here: " + operators_of(*field)};
    const auto op =
        std::find_if(kOperators.begin(), kOperators.end(), [&](auto& known) { return known.text == symbol; });
    if (op == kOperators.end())
      return Mistake{at_, "there is no operator " + named(symbol) + ": " + operators_of(*field)};
    const bool for_texts = op->op == Operator::equal || op->op == Operator::unequal || op->op == Operator::matches;
    if (field->kind == FieldKind::text ? !for_texts : op->op == Operator::matches)
      return Mistake{at_, operators_of(*field)};
    at_ += symbol.size();
    skip_blanks();
    auto read = value(op->op);
    if (!read.ok()) return read.error();
    std::string raw(read.value().raw);
    if (field->kind == FieldKind::share && !read.value().quoted && takes_percent_sign())
      (raw += '%', read.value().text += '%');
    return comparison(*field, op->op, read.value(), std::string(field->name).append(symbol).append(raw));
  }

  base::Result<Term, Mistake> comparison(const Field& field, Operator op, const Value& value, std::string spelling) {
    if (op == Operator::matches) return regex_test(field, value, std::move(spelling));
    if (field.kind == FieldKind::text) {
      // Formally correct, but no path would match.
      if (field.name == "path" && !value.quoted && value.raw.find_first_of("*?") != std::string_view::npos)
        return Mistake{value.place, "= compares the whole path; write a glob without path= before it"};
      return Term{Term::Sense::plain, std::move(spelling), TextTest{&field, op, value.text}};
    }
    const auto number = read_number(value.text, field);
    if (!number.ok()) return Mistake{value.written(number.error().place), number.error().message};
    return Term{Term::Sense::plain, std::move(spelling), NumberTest{&field, op, number.value()}};
  }

  base::Result<Term, Mistake> regex_test(const Field& field, const Value& value, std::string spelling) {
    if (++regexes_ > kFilterRegexesMax)
      return Mistake{value.place, "a filter has at most " + std::to_string(kFilterRegexesMax) +
                                      " regular expressions; | joins two in one"};
    const std::size_t slash = !value.quoted && between_slashes(value.raw) ? 1 : 0;
    auto regex = Regex::parse(std::string_view(value.text).substr(slash, value.text.size() - 2 * slash));
    if (!regex.ok()) return Mistake{value.written(slash + regex.error().place), regex.error().message};
    return Term{Term::Sense::plain, std::move(spelling), RegexTest{&field, std::move(regex).value()}};
  }

  base::Result<Value, Mistake> value(Operator op) {
    if (at_end()) return Mistake{at_, "a value is missing here; \"\" is the empty text"};
    if (text_[at_] == '"') return quoted();
    Value word = this->word();
    if (among(word.raw, '"')) return Mistake{at_of(word, '"'), "quotes must enclose a whole value"};
    // `mailbox>10kind=peer` and `kind=>5` are mistakes; in a regular expression such characters may be intended.
    const std::size_t slip = word.raw.find_first_of(kOperatorBytes);
    if (slip == 0 || (slip != std::string_view::npos && op != Operator::matches))
      return Mistake{word.place + slip, "put a value that contains = ! < > or ~ into quotes"};
    return word;
  }

  base::Result<Value, Mistake> quoted() {
    const std::size_t place = at_++;
    std::string text;
    for (; !at_end() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') {
        if (at_ + 1 == text_.size() || !among("\"\\", text_[at_ + 1]))
          return Mistake{at_, "in quotes \\ is only allowed before \" or another \\"};
        ++at_;
      }
      text += text_[at_];
    }
    if (at_end()) return Mistake{place, "this quote is not closed"};
    ++at_;
    return Value{place, text_.substr(place, at_ - place), std::move(text), true};
  }

  static std::string unknown(std::string_view name, std::string_view symbol) {
    if (symbol.empty() && name == "and") return "a blank joins two terms; leave out the and";
    if (symbol.empty() && name == "or") return "there is no or; use | in a regular expression, as in kind~peer|file";
    const std::string why = symbol.empty() ? "; write a path as /peer, a kind as kind=peer" : "";
    return "unknown field " + named(name) + "; did you mean " + named(nearest_field(name)) + "? The fields are " +
           field_names() + why;
  }

  /// A share may be typed as it is printed: "1.5 %".
  bool takes_percent_sign() {
    const std::size_t at = text_.find_first_not_of(kBlanks, at_);
    if (at == at_ || at == std::string_view::npos || text_[at] != '%') return false;
    if (at + 1 < text_.size() && !among(kBlanks, text_[at + 1])) return false;
    at_ = at + 1;
    return true;
  }

  /// Takes all characters up to the next blank.
  Value word() {
    const std::size_t place = at_;
    const std::string_view raw = upcoming(kBlanks);
    at_ += raw.size();
    return {place, raw, std::string(raw), false};
  }

  static std::size_t at_of(const Value& word, char c) { return word.place + word.raw.find(c); }
  std::string_view upcoming(std::string_view ends) const {
    return text_.substr(at_, text_.find_first_of(ends, at_) - at_);
  }
  void skip_blanks() { at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size()); }
  bool at_end() const { return at_ == text_.size(); }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t regexes_ = 0;
};

/// Returns the position of the first control character except blanks.
std::optional<std::size_t> control_character(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if ((byte < 0x20 && !among(kBlanks, text[at])) || byte == 0x7f) return at;
  }
  return std::nullopt;
}

}  // namespace

base::Result<Filter, Mistake> Filter::parse(std::string_view text) {
  if (text.size() > kFilterBytesMax)
    return Mistake{kFilterBytesMax, "a filter has at most " + std::to_string(kFilterBytesMax) + " bytes"};
  if (const auto at = control_character(text)) return Mistake{*at, "a filter cannot contain control characters"};
  auto terms = Parser(text).terms();
  if (!terms.ok()) return terms.error();
  return Filter(std::move(terms).value());
}

bool Filter::holds(const ActorRow& row) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) { return term.holds(row); });
}

bool Filter::means_all() const {
  return std::ranges::all_of(
      terms_, [](const Term& term) { return term.sense == Term::Sense::plain && term.spelling == "/**"; });
}

bool Filter::slow() const {
  return std::ranges::any_of(terms_, [](const Term& term) { return std::holds_alternative<RegexTest>(term.test); });
}

std::string Filter::text() const {
  std::string text;
  for (const Term& term : terms_) {
    if (!text.empty()) text += ' ';
    if (term.sense == Term::Sense::negated) text += "not ";
    text += term.spelling;
  }
  return text;
}

}  // namespace troupe::observe
