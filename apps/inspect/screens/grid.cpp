#include "apps/inspect/screens/grid.hpp"

#include <algorithm>
#include <optional>

#include "runtime/base/text.hpp"

namespace troupe::apps::screens {
namespace {

struct Character {
  std::string_view bytes;
  int columns = 1;
};

/// Ranges that terminals draw two columns wide: East Asian Wide and Fullwidth, and pictographs (Unicode 15, UAX 11).
/// Our own table: wcwidth(3) depends on the locale, and a golden screen must not.
constexpr struct {
  char32_t first, last;
} kWide[] = {{0x1100, 0x115f}, {0x2e80, 0x303e},   {0x3041, 0xa4cf},  {0xa960, 0xa97c},
             {0xac00, 0xd7a3}, {0xf900, 0xfaff},   {0xfe30, 0xfe6f},  {0xff00, 0xff60},
             {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}},
  kNone[] = {{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},
             {0x064b, 0x065f}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff},
             {0x1dc0, 0x1dff}, {0x20d0, 0x20f0}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};

template <class Ranges>
bool among(char32_t point, const Ranges& ranges) {
  return std::ranges::any_of(ranges, [&](const auto& one) { return point >= one.first && point <= one.last; });
}

/// Removes the first character of valid UTF-8 from `text`.
Character next(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t bytes = std::min<std::size_t>(lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4, text.size());
  char32_t point = bytes == 1 ? lead : lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  const Character out{text.substr(0, bytes), among(point, kNone) ? 0 : among(point, kWide) ? 2 : 1};
  text.remove_prefix(bytes);
  return out;
}

}  // namespace

int width(std::string_view text) {
  int columns = 0;
  while (!text.empty()) columns += next(text).columns;
  return columns;
}

std::string without(std::string_view text, int columns) {
  std::string safe;
  if (!base::is_plain(text)) text = safe = base::printable(text);
  while (!text.empty() && columns > 0) columns -= next(text).columns;
  return std::string(std::max(-columns, 0), ' ') + std::string(text);  // half of a wide character becomes a blank
}

std::vector<std::string> wrapped(std::string_view text, int columns) {
  std::string safe;
  if (!base::is_plain(text)) text = safe = base::printable(text);
  if (columns < kWrapMin || width(text) <= columns) return {std::string(text)};
  const std::size_t inside = std::min(text.find_first_not_of(' '), text.size());
  const std::string indent(std::min(inside + 2, static_cast<std::size_t>(columns) / 2), ' ');
  std::vector<std::string> out;
  std::string line;  // with its indentation
  int used = 0;
  std::size_t blank = std::string::npos;  // where the line can be cut
  while (!text.empty()) {
    const Character one = next(text);
    if (used + one.columns > columns) {
      const std::size_t first = out.empty() ? inside : indent.size();
      const bool at_blank = one.bytes != " " && blank != std::string::npos && blank > first;
      std::string rest = at_blank ? line.substr(blank + 1) : std::string();
      if (at_blank) line.erase(blank);
      out.push_back(std::move(line));
      line = indent + rest;
      used = width(line);
      blank = std::string::npos;
      if (one.bytes == " ") continue;
    }
    if (one.bytes == " ") blank = line.size();
    line += one.bytes;
    used += one.columns;
  }
  out.push_back(std::move(line));
  return out;
}

Grid::Grid(Size size)
    : size_{std::clamp(size.columns, 1, kGridMax), std::clamp(size.rows, 1, kGridMax)},
      cells_(static_cast<std::size_t>(size_.columns * size_.rows)) {}

int Grid::put(int column, int row, std::string_view text, Style style, int columns) {
  if (row < 0 || row >= size_.rows || column < 0 || column >= size_.columns) return 0;
  const int room = std::min(columns, size_.columns - column);
  if (room <= 0) return 0;
  std::string safe;
  if (!base::is_plain(text)) text = safe = base::printable(text);
  const bool fits = width(text) <= room;
  int used = 0;
  while (!text.empty()) {
    const Character one = next(text);
    if (one.columns == 0) {
      if (used > 0) cell(column + used - 1, row).text.append(one.bytes.substr(0, 8));
      continue;
    }
    if (!fits && used + one.columns > room - 1) {
      cell(column + used, row) = {"…", style};
      return used + 1;
    }
    cell(column + used, row) = {std::string(one.bytes), style};
    if (one.columns == 2) cell(column + used + 1, row) = {"", style};
    used += one.columns;
  }
  return used;
}

void Grid::erase(int row) {
  if (row < 0 || row >= size_.rows) return;
  for (int column = 0; column < size_.columns; ++column) cell(column, row) = {};
}

void Grid::paint(int row, Style style) {
  if (row < 0 || row >= size_.rows) return;
  for (int column = 0; column < size_.columns; ++column) cell(column, row).style = style;
}

std::string Grid::text() const {
  std::string out;
  for (int row = 0; row < size_.rows; ++row) {
    std::string line;
    for (int column = 0; column < size_.columns; ++column) line += at(column, row).text;
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace troupe::apps::screens
