#include "runtime/observe/logic/mistake.hpp"

#include <algorithm>

#include "runtime/base/text.hpp"

namespace troupe::observe {
namespace {

constexpr std::size_t kBeforeMax = 40;  // bytes on each side; with the marks of a cut they fit 80 columns
constexpr std::size_t kAfterMax = 38;
constexpr std::size_t kNamedMax = 40;

/// A backslash is common in a pattern and is doubled only where the text is not plain anyway.
std::string safe(std::string_view text) { return base::is_plain(text) ? std::string(text) : base::printable(text); }

}  // namespace

std::string told(std::string_view what, std::string_view text, const Mistake& mistake) {
  const std::size_t before = base::columns(text.substr(0, std::min(mistake.place, text.size())));
  return std::string(what) + " is wrong at character " + std::to_string(before + 1) + ": " + mistake.message;
}

std::string marked(std::string_view text, const Mistake& mistake) {
  const std::size_t place = std::min(mistake.place, text.size());
  std::size_t begin = place > kBeforeMax ? place - kBeforeMax : 0;
  while (begin < place && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) ++begin;  // not within a character
  const std::string before = (begin == 0 ? "" : "…") + safe(text.substr(begin, place - begin));
  return before + safe(base::shortened(text.substr(place), kAfterMax)) + '\n' +
         std::string(base::columns(before), ' ') + '^';
}

std::string named(std::string_view word) { return '"' + base::shortened(word, kNamedMax) + '"'; }

}  // namespace troupe::observe
