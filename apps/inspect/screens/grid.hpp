#pragma once
// A screen as a rectangle of cells, independent of any terminal.
//
// Text    text is escaped first (base/text.hpp): no cell contains a control or directional character.
// Limits  kGridMax in each direction. Owner: the caller; not thread-safe.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::apps::screens {

inline constexpr int kGridMax = 1'000;  // our choice: a wall of terminals

/// The meaning of a text. The terminal decides how it looks, with and without colours.
enum class Style : std::uint8_t { plain, title, dim, good, warn, bad, selected, marked };
inline constexpr std::size_t kStyles = 8;

struct Cell {
  std::string text = " ";  ///< one character with its combining characters; empty: the right half of the previous cell
  Style style = Style::plain;
  bool operator==(const Cell&) const = default;
};

struct Size {
  int columns = 80;
  int rows = 24;
  bool operator==(const Size&) const = default;
};

class Grid {
 public:
  explicit Grid(Size size);
  Size size() const { return size_; }
  const Cell& at(int column, int row) const { return cells_[static_cast<std::size_t>(row * size_.columns + column)]; }

  /// Writes text at that position, at most `columns` wide, and cuts the rest with "…". Returns the columns used.
  int put(int column, int row, std::string_view text, Style style = Style::plain, int columns = kGridMax);
  /// Makes a row blank.
  void erase(int row);
  /// Sets the style of a whole row; its text stays.
  void paint(int row, Style style);

  /// Replaces each cell's text by `by(text)`, which is one column wide.
  template <class By>
  void replace(By&& by) {
    for (Cell& one : cells_) one.text = by(one.text);
  }

  /// Returns each row as text without blanks at its end: for tests and `:save`.
  std::string text() const;

 private:
  Cell& cell(int column, int row) { return cells_[static_cast<std::size_t>(row * size_.columns + column)]; }

  Size size_;
  std::vector<Cell> cells_;
};

/// Returns the text in lines of at most `columns` columns, cut at blanks if possible; later lines are indented. Returns
/// one line if the text fits, or if `columns` is below kWrapMin.
inline constexpr int kWrapMin = 20;  // our choice: below it, cut lines are easier to read
std::vector<std::string> wrapped(std::string_view text, int columns);

/// Returns the text without its first `columns` columns.
std::string without(std::string_view text, int columns);

/// Returns the columns of plain text on a terminal; wide characters take two.
int width(std::string_view text);

}  // namespace troupe::apps::screens
