#include "apps/cli/terminal.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "runtime/base/ensure.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::size_t kBarColumns = 24;  // fits with its text into 80 columns

void print_row(std::ostream& out, const std::vector<Column>& columns, const std::vector<std::size_t>& widths,
               const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - base::columns(cells[i]), ' ');
    if (i > 0) line += kGap;
    line += columns[i].align == Align::left ? cells[i] + padding : padding + cells[i];
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

/// Returns the number of bytes of `text` before an incomplete UTF-8 character at its end.
std::size_t whole_characters(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(text.size(), 3); ++back) {
    const auto byte = static_cast<std::uint8_t>(text[text.size() - back]);
    if ((byte & 0xc0) == 0x80) continue;  // inside a character
    const std::size_t needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needs > back ? text.size() - back : text.size();
  }
  return text.size();
}

}  // namespace

std::optional<std::string> variable(const Console& console, std::string_view name) {
  for (const char* const* entry = console.environment; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    if (text.size() > name.size() && text.starts_with(name) && text[name.size()] == '=')
      return std::string(text.substr(name.size() + 1));
  }
  return std::nullopt;
}

bool colour_on_out(const Console& console) {
  return console.out_is_terminal && variable(console, "NO_COLOR").value_or("").empty();
}

bool colour_on_err(const Console& console) {
  return console.err_is_terminal && variable(console, "NO_COLOR").value_or("").empty();
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns_max) {
  std::vector<std::string> lines{""};
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (!lines.back().empty() && base::columns(lines.back()) + 1 + base::columns(word) > columns_max)
      lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    for (const char c : word) {
      const bool within_character = (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
      if (!within_character && base::columns(lines.back()) >= columns_max) lines.emplace_back();
      lines.back() += c;
    }
    begin = end + 1;
  }
  return lines;
}

Passage::~Passage() { print_escaped(cut_); }

void Passage::print(std::string_view piece) {
  if (!terminal_) {
    to_ << piece;
    return;
  }
  cut_ += piece;
  const std::size_t whole = whole_characters(cut_);
  print_escaped(std::string_view(cut_).substr(0, whole));
  cut_.erase(0, whole);
}

void Passage::print_escaped(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of("\n\t", at), text.size());
    to_ << base::printable(text.substr(at, end - at));
    if (end < text.size()) to_ << text[end];
    at = end + 1;
  }
}

void print_raw(Console& console, std::string_view value) {
  Passage(console.out, console.out_is_terminal).print(value);
  if (console.out_is_terminal && !value.ends_with('\n')) console.out << '\n';
}

TextTable::TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

void TextTable::add(std::vector<std::string> cells) {
  base::ensure(cells.size() == columns_.size(), "a row has one cell per column");
  for (auto& cell : cells) cell = base::printable(cell);
  rows_.push_back(std::move(cells));
}

void TextTable::print(std::ostream& out) const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    titles.push_back(columns_[i].title);
    widths.push_back(base::columns(columns_[i].title));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], base::columns(row[i]));
  }
  print_row(out, columns_, widths, titles);
  for (const auto& row : rows_) print_row(out, columns_, widths, row);
}

std::string bytes_for_people(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  std::uint64_t tenths = 0;
  while (bytes >= 1'024) {
    tenths = (bytes % 1'024) * 10 / 1'024;
    bytes /= 1'024;
    ++unit;
  }
  std::string out = std::to_string(bytes);
  if (unit > 0) out += '.' + std::to_string(tenths);
  return out + ' ' + std::string(kUnits[unit]);
}

std::string seconds_for_people(std::uint64_t seconds) {
  const auto part = [](std::uint64_t number, const char* unit) { return std::to_string(number) + unit; };
  if (seconds >= 86'400) return part(seconds / 86'400, "d ") + part(seconds % 86'400 / 3'600, "h");
  if (seconds >= 3'600) return part(seconds / 3'600, "h ") + part(seconds % 3'600 / 60, "m");
  if (seconds >= 60) return part(seconds / 60, "m ") + part(seconds % 60, "s");
  return part(seconds, "s");
}

std::string fixed(double value, int digits) {
  std::array<char, 48> out{};
  std::snprintf(out.data(), out.size(), "%.*f", digits, value);
  return out.data();
}

Progress::Progress(Console& console, std::string what, std::uint64_t total, base::Instant now, Unit unit)
    : console_(console), what_(base::printable(what, 40)), total_(total), unit_(unit), next_(now + kAfter) {}

Progress::~Progress() {
  if (shown_) console_.err << "\r\x1b[K" << std::flush;
}

void Progress::update(std::uint64_t done, base::Instant now) {
  if (!console_.err_is_terminal || now < next_) return;
  next_ = now + kEvery;
  shown_ = true;
  console_.err << "\r\x1b[K" << what_ << ' ';
  if (total_ > 0) {
    const std::uint64_t part = std::min(done, total_);
    const auto filled = static_cast<std::size_t>(static_cast<long double>(part) / total_ * kBarColumns);
    console_.err << '[' << std::string(filled, '#') << std::string(kBarColumns - filled, ' ') << "] ";
  }
  const auto shown = [this](std::uint64_t number) {
    return unit_ == Unit::bytes ? bytes_for_people(number) : std::to_string(number);
  };
  console_.err << shown(done);
  if (total_ > 0) console_.err << " of " << shown(total_);
  console_.err << std::flush;
}

}  // namespace troupe::apps
