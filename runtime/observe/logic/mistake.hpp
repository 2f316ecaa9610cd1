#pragma once
// A mistake in text that a person wrote, with its position.
#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::observe {

/// A message is short, and quotes typed words unescaped: the code that prints the message escapes it, once.
inline constexpr std::size_t kMistakeBytesMax = 512;

struct Mistake {
  std::size_t place = 0;  ///< byte offset in the text, at most its size
  std::string message;    ///< at most kMistakeBytesMax

  friend bool operator==(const Mistake&, const Mistake&) = default;
};

/// Returns one line for an error: "the filter is wrong at character 8: ...". `what` names `text`: "the filter".
std::string told(std::string_view what, std::string_view text, const Mistake& mistake);

/// Returns two lines for a terminal, made safe: the text around the position, and a ^ below it.
std::string marked(std::string_view text, const Mistake& mistake);

/// Returns a typed word for a message: in quotes, unescaped, shortened if it is long.
std::string named(std::string_view word);

}  // namespace troupe::observe
