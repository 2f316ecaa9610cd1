#pragma once
// Tables, figures and progress for people.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/console.hpp"
#include "runtime/base/time.hpp"

namespace troupe::apps {

enum class Align : std::uint8_t { left, right };

struct Column {
  std::string title;
  Align align = Align::left;  ///< numbers are aligned right
};

/// A table whose columns are as wide as their widest cell, two spaces apart. Cells are escaped (runtime/base/text.hpp).
class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns);

  /// Adds a row. A number of cells other than the number of columns is a broken invariant.
  void add(std::vector<std::string> cells);

  /// Prints the titles and a line per row; only the titles if there are no rows.
  void print(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Returns "1.5 GiB": only for people, rounded down.
std::string bytes_for_people(std::uint64_t bytes);

/// Returns "42s", "3m 5s", "2h 0m", "1d 4h".
std::string seconds_for_people(std::uint64_t seconds);

/// Returns "12.50": with that number of digits after the point.
std::string fixed(double value, int digits);

/// Returns "a, b, c".
template <class Texts>
std::string joined(const Texts& texts, std::string_view between = ", ") {
  std::string out;
  for (const auto& text : texts) out.append(out.empty() ? "" : between).append(text);
  return out;
}

/// Splits the text at its spaces into lines of at most `columns_max` columns. A longer word is cut.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns_max);

/// Prints text from an untrusted node, in pieces of any size: unchanged, or on a terminal with control characters
/// except line ends and tabs escaped. A piece may end inside a character, whose bytes then wait for the next piece.
class Passage {
 public:
  Passage(std::ostream& to, bool terminal) : to_(to), terminal_(terminal) {}
  ~Passage();
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;

  void print(std::string_view piece);

 private:
  void print_escaped(std::string_view text);

  std::ostream& to_;
  const bool terminal_;
  std::string cut_;
};

/// Prints a value as a passage of one piece, with a line end on a terminal.
void print_raw(Console& console, std::string_view value);

/// Shows the progress of long work on standard error: only on a terminal, only after kAfter, and removes its line at
/// the end. `now` is monotonic and given by the caller.
class Progress {
 public:
  static constexpr std::chrono::milliseconds kAfter{1'000};  // shorter work needs no bar
  static constexpr std::chrono::milliseconds kEvery{100};    // our choice: a shorter interval would only flicker

  enum class Unit : std::uint8_t { bytes, count };

  /// `total` is zero if it is not known.
  Progress(Console& console, std::string what, std::uint64_t total, base::Instant now, Unit unit = Unit::bytes);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::uint64_t done, base::Instant now);

 private:
  Console& console_;
  std::string what_;
  std::uint64_t total_;
  Unit unit_;
  base::Instant next_;
  bool shown_ = false;
};

}  // namespace troupe::apps
