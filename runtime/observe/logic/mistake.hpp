#pragma once
// What is wrong in a text that a person wrote, and where.
#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::observe {

/// A message is in a few words whatever was typed, with the typed words as they are: who prints it escapes it, once.
inline constexpr std::size_t kMistakeBytesMax = 512;

struct Mistake {
  std::size_t place = 0;  ///< byte of the text, at most its size
  std::string message;    ///< at most kMistakeBytesMax

  friend bool operator==(const Mistake&, const Mistake&) = default;
};

/// One line for an error: "the filter is wrong at character 8: ...". `what` was typed: "the filter", whose text it is.
std::string told(std::string_view what, std::string_view text, const Mistake& mistake);

/// Two lines for a terminal, made safe: the text around the place, and a ^ below it.
std::string marked(std::string_view text, const Mistake& mistake);

/// A typed word for a message: in quotes, as it is, cut where it is long.
std::string named(std::string_view word);

}  // namespace troupe::observe
