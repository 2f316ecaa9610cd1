#include "actors/files/logic/file_name.hpp"

#include <cstddef>
#include <optional>

namespace troupe::files {
namespace {

/// Removes and returns the first code point, or returns nullopt if the bytes are not UTF-8.
std::optional<char32_t> take(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || text.size() < length) return std::nullopt;
  char32_t out = length == 1 ? lead : lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    out = out << 6 | (byte(i) & 0x3fu);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (out < kSmallest[length] || out > 0x10ffff || (out >= 0xd800 && out <= 0xdfff)) return std::nullopt;
  text.remove_prefix(length);
  return out;
}

bool control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::string_view explain(NameError error) {
  switch (error) {
    case NameError::too_long: return "the file name is too long: at most 255 bytes";
    case NameError::not_utf8: return "the file name is not valid UTF-8";
    case NameError::control: return "the file name has control characters";
    case NameError::not_a_name: return "the file name is a path: it must not contain '/', nor be \".\" or \"..\"";
  }
  return "not a file name";
}

base::Result<void, NameError> check_name(std::string_view name) {
  if (name.size() > kFileNameBytesMax) return NameError::too_long;
  if (name == "." || name == ".." || name.find('/') != std::string_view::npos) return NameError::not_a_name;
  while (!name.empty()) {
    const auto point = take(name);
    if (!point) return NameError::not_utf8;
    if (control(*point)) return NameError::control;
  }
  return {};
}

}  // namespace troupe::files
