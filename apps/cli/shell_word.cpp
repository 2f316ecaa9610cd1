#include "apps/cli/shell_word.hpp"

#include <algorithm>

#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

// ASCII letters and digits, and characters that no shell treats specially anywhere in a word.
bool harmless(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_./-+,:@%").find(c) != std::string_view::npos;
}

std::string octal(char c) {
  const auto byte = static_cast<unsigned char>(c);
  const auto digit = [&](int shift) { return static_cast<char>('0' + ((byte >> shift) & 7)); };
  return {'\\', digit(6), digit(3), digit(0)};
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += "'\\''";
    else out += c;
  }
  return out + '\'';
}

// Byte by byte: exactly three octal digits are read, whatever follows, and the shell joins the bytes of a character.
std::string escaped(std::string_view text) {
  std::string out = "$'";
  for (const char c : text) {
    const bool shown = c >= ' ' && c < 0x7f && c != '\'' && c != '\\';
    if (shown) out += c;
    else out += octal(c);
  }
  return out + '\'';
}

}  // namespace

std::string shell_word(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), harmless)) return std::string(text);
  return base::is_plain(text) ? quoted(text) : escaped(text);
}

}  // namespace troupe::apps
