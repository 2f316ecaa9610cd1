#include "apps/sim/alike.hpp"

#include <algorithm>

namespace troupe::apps {
namespace {

constexpr std::size_t kIdDigitsMin = 8;  // reports shorten ids to this many digits

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_hex(char letter) { return is_digit(letter) || (letter >= 'a' && letter <= 'f'); }
bool is_letter(char letter) { return is_digit(letter) || ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'z'); }

/// Removes a word from the front; a point or a comma between two digits belongs to it.
std::string_view take_word(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size()) {
    const bool within_number = (text[size] == '.' || text[size] == ',') && size > 0 && is_digit(text[size - 1]) &&
                               size + 1 < text.size() && is_digit(text[size + 1]);
    if (!is_letter(text[size]) && !within_number) break;
    ++size;
  }
  const std::string_view word = text.substr(0, size);
  text.remove_prefix(size);
  return word;
}

void drop_quoted(std::string_view& text) {
  std::size_t size = 1;
  while (size < text.size() && text[size] != '"') size += text[size] == '\\' ? 2 : 1;
  text.remove_prefix(std::min(size + 1, text.size()));
}

bool is_of_one_world(std::string_view word) {
  return std::any_of(word.begin(), word.end(), is_digit) ||
         (word.size() >= kIdDigitsMin && std::all_of(word.begin(), word.end(), is_hex));
}

void add_number(std::string& part) {
  for (const std::string_view before : {"#, ", "# "})
    if (part.ends_with(before)) part.resize(part.size() - before.size());
  part += '#';
}

}  // namespace

std::set<std::string> failure_class(std::string_view why) {
  std::set<std::string> parts;
  std::string part;
  const auto end_part = [&] {
    if (!part.empty() && part != "and # more") parts.insert(part);
    part.clear();
  };
  while (!why.empty()) {
    if (const std::string_view word = take_word(why); !word.empty()) {
      if (is_of_one_world(word)) add_number(part);
      else part += word;
    } else if (why.front() == '"') {
      drop_quoted(why);
      part += "\"\"";
    } else if (why.starts_with(": ") || why.starts_with("; ")) {
      why.remove_prefix(2);
      end_part();
    } else {
      part += why.front();
      why.remove_prefix(1);
    }
  }
  end_part();
  return parts;
}

bool alike(const Outcome& candidate, const Outcome& failure) {
  if (!candidate.broken() || candidate.invariant != failure.invariant) return false;
  const auto its = failure_class(candidate.why);
  const auto known = failure_class(failure.why);
  return std::includes(known.begin(), known.end(), its.begin(), its.end());
}

std::string group_of(const Outcome& failure) {
  std::string out = failure.invariant;
  for (const std::string& part : failure_class(failure.why)) out += '\n' + part;
  return out;
}

}  // namespace troupe::apps
