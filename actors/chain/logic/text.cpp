#include "actors/chain/logic/text.hpp"

#include <algorithm>
#include <cstdint>

namespace troupe::chain {
namespace {

/// A row of table 3-7: the ranges of the first and the second byte. Later bytes are from 0x80 to 0xbf.
struct Utf8Row {
  std::uint8_t first_min, first_max, second_min, second_max;
  std::size_t bytes;
};
constexpr Utf8Row kRows[] = {
    {0xc2, 0xc2, 0xa0, 0xbf, 2},  // without C1, which is c2 80 to c2 9f
    {0xc3, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

bool within(char byte, std::uint8_t min, std::uint8_t max) {
  const auto value = static_cast<std::uint8_t>(byte);
  return min <= value && value <= max;
}

/// Returns the length of the first character of `text`, which is not empty; 0 if the rule forbids it.
std::size_t character(std::string_view text) {
  if (within(text[0], 0x20, 0x7e)) return 1;
  for (const Utf8Row& row : kRows) {
    if (!within(text[0], row.first_min, row.first_max)) continue;
    if (text.size() < row.bytes || !within(text[1], row.second_min, row.second_max)) return 0;
    const std::string_view rest = text.substr(2, row.bytes - 2);
    return std::ranges::all_of(rest, [](char c) { return within(c, 0x80, 0xbf); }) ? row.bytes : 0;
  }
  return 0;
}

}  // namespace

bool is_chain_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = character(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace troupe::chain
