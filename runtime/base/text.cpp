#include "runtime/base/text.hpp"

#include <cstdint>

namespace troupe::base {
namespace {

/// The next character and its bytes; `valid` is false for a byte that does not start a character.
struct Character {
  std::uint32_t code;
  std::size_t bytes;
  bool valid;
};

// The well-formed sequences of Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
Character next_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const Character broken{first, 1, false};
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return broken;
  std::uint32_t code = first & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return broken;
    code = (code << 6) | (byte(i) & 0x3fU);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return broken;
  return {code, bytes, true};
}

// C0, DEL and C1 controls; the directional marks, embeddings and isolates of UAX 9; line and paragraph separators.
bool plain(std::uint32_t code) {
  return !(code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f || code == 0x061c ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff);
}

constexpr char kDigits[] = "0123456789abcdef";

std::string visible(const Character& character, std::string_view bytes) {
  if (!character.valid) return {'\\', 'x', kDigits[character.code >> 4], kDigits[character.code & 15]};
  switch (character.code) {
    case '\n': return "\\n";
    case '\t': return "\\t";
    case '\r': return "\\r";
    case '\\': return "\\\\";
    default: break;
  }
  if (plain(character.code)) return std::string(bytes);
  std::string digits;
  for (std::uint32_t left = character.code; left != 0 || digits.size() < 2; left >>= 4)
    digits.insert(digits.begin(), kDigits[left & 15]);
  return "\\u{" + digits + '}';
}

template <class Each>
void walk(std::string_view text, Each each) {
  while (!text.empty()) {
    const Character character = next_character(text);
    if (!each(character, text.substr(0, character.bytes))) return;
    text.remove_prefix(character.bytes);
  }
}

/// Appends the output of `show` for each character, as long as it fits.
template <class Show>
std::string cut(std::string_view text, std::size_t bytes_max, Show show) {
  static constexpr std::string_view kCut = "…";
  std::string out;
  std::size_t fits = 0;  // length of the longest prefix that leaves space for the mark of a cut
  bool too_long = false;
  walk(text, [&](const Character& character, std::string_view bytes) {
    out += show(character, bytes);
    if (out.size() + kCut.size() <= bytes_max) fits = out.size();
    too_long = out.size() > bytes_max;
    return !too_long;
  });
  if (!too_long) return out;
  out.resize(fits);
  if (kCut.size() <= bytes_max) out += kCut;
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  walk(text, [&](const Character& character, std::string_view bytes) {
    out += visible(character, bytes);
    return true;
  });
  return out;
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  return cut(text, bytes_max,
             [](const Character& character, std::string_view bytes) { return visible(character, bytes); });
}

std::string shortened(std::string_view text, std::size_t bytes_max) {
  return cut(text, bytes_max, [](const Character&, std::string_view bytes) { return bytes; });
}

bool is_plain(std::string_view text) {
  bool good = true;
  walk(text, [&](const Character& character, std::string_view) {
    good = character.valid && plain(character.code);
    return good;
  });
  return good;
}

bool is_utf8(std::string_view text) {
  bool good = true;
  walk(text, [&](const Character& character, std::string_view) { return good = character.valid; });
  return good;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  out.reserve(text.size() + 2);
  walk(text, [&](const Character& character, std::string_view bytes) {
    if (!character.valid) {
      out += "\xef\xbf\xbd";  // U+FFFD
    } else if (character.code == '"' || character.code == '\\') {
      out += '\\';
      out += bytes;
    } else if (plain(character.code)) {
      out += bytes;
    } else {
      out += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[(character.code >> shift) & 15];
    }
    return true;
  });
  return out + '"';
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  walk(text, [&](const Character&, std::string_view) {
    ++count;
    return true;
  });
  return count;
}

}  // namespace troupe::base
