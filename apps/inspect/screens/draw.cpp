#include "apps/inspect/screens/draw.hpp"

#include <algorithm>
#include <array>

#include "apps/cli/terminal.hpp"
#include "apps/inspect/screens/view_parts.hpp"
#include "runtime/observe/logic/filter.hpp"

namespace troupe::apps::screens {
namespace {

constexpr int kGap = kColumnGap;
constexpr std::size_t kNoticeLines = 6;  // our choice: for the client's longest errors
constexpr int kStale = 3;                // seconds: three refreshes

std::vector<int> natural_widths(const Content& content, std::size_t first, std::size_t last) {
  std::vector<int> widths;
  for (std::size_t i = 0; i < content.columns.size(); ++i) {
    int widest = width(content.columns[i].title);
    for (std::size_t row = first; row < last; ++row) widest = std::max(widest, width(content.rows[row].cells[i]));
    widths.push_back(std::max(widest, 1));
  }
  return widths;
}

/// Returns the widths of the columns that fit; zero: left out, beginning with the column of the smallest `keep`.
std::vector<int> fit(const Content& content, std::size_t first, std::size_t last, int room) {
  const std::vector<int> whole = natural_widths(content, first, last);
  std::vector<int> widths = whole;
  const auto total = [&] {
    int sum = -kGap;
    for (const int one : widths) sum += one == 0 ? 0 : one + kGap;
    return sum;
  };
  constexpr int kNarrow = 24, kWorthy = 8;  // columns of lower rank are left out before a higher one is cut
  const auto cut = [&](int& one) {
    if (one > kNarrow) one = std::max(kNarrow, one - std::max(total() - room, 0));
  };
  for (std::size_t i = 0; i < widths.size(); ++i)
    if (content.columns[i].flexible) cut(widths[i]);
  while (total() > room) {
    std::size_t least = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i)
      if (widths[i] > 0 && (least == widths.size() || content.columns[i].keep < content.columns[least].keep)) least = i;
    const auto widest = std::ranges::max_element(widths);
    if (content.columns[least].keep >= kWorthy && *widest > kNarrow) {
      cut(*widest);
    } else {
      if (std::ranges::count_if(widths, [](int one) { return one > 0; }) <= 1) break;
      widths[least] = 0;
    }
  }
  for (std::size_t i = 0; i < widths.size(); ++i)  // width freed by the columns that were left out
    if (content.columns[i].flexible && widths[i] > 0)
      widths[i] = std::clamp(widths[i] + room - total(), widths[i], whole[i]);
  return widths;
}

/// Draws a row of the table; `left`: number of columns beyond the left edge; none is left out.
void draw_cells(Grid& grid, int row, const Content& content, const std::vector<int>& widths,
                const std::vector<std::string>& cells, Style style, int left) {
  int column = -left;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] == 0) continue;
    const int used = std::min(width(cells[i]), widths[i]);
    const int at = column + (content.columns[i].right ? widths[i] - used : 0);
    if (at >= 0) grid.put(at, row, cells[i], style, column + widths[i] - at);
    else if (at + used > 0) grid.put(0, row, without(cells[i], -at), style, at + used);
    column += widths[i] + kGap;
  }
}

void draw_state(Grid& grid, const Model& model, const Content& shown) {
  const NodeData& data = model.shown();
  std::string left = std::string(model.place().view);
  if (!shown.title.empty()) left += "  " + shown.title;
  std::string right;
  Style style = Style::dim;
  if (data.status) {
    right = data.status->name + " " + data.status->health;
    style = data.status->health == "ok" ? Style::good : data.status->health == "degraded" ? Style::warn : Style::bad;
  }
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(model.now - data.heard).count();
  if (data.lost)
    right = "lost " +
            std::to_string(std::chrono::duration_cast<std::chrono::seconds>(model.now - *data.lost_since).count()) +
            " s ago",
    style = Style::bad;
  else if (model.paused) right = "paused", style = Style::warn;
  else if (data.status && age >= kStale) right += ", " + std::to_string(age) + " s old", style = Style::warn;
  if (model.nodes.size() > 1) right += "  " + std::to_string(model.node + 1) + "/" + std::to_string(model.nodes.size());
  if (model.time) {
    const TimeState& at = *model.time;
    right = fixed(std::chrono::duration<double>(at.at).count(), 3) + " s  #" + std::to_string(at.event) + " of " +
            std::to_string(at.events) + (at.playing ? "  playing " + fixed(at.speed, at.speed < 1 ? 3 : 0) + "x" : "");
    if (at.steered) right += "  STEERED";
    if (data.status) right = data.status->name + "  " + right;
    style = at.playing ? Style::good : Style::dim;
  }
  if (model.operate) right += "  OPERATE";
  const int columns = grid.size().columns;
  const int taken = std::min(width(right), columns / 2);
  grid.put(columns - taken, 0, right, style, taken);
  grid.put(0, 0, left, Style::title, columns - taken - kGap);
}

/// Returns the rows of the content on the screen: the first, and the one after the last.
std::pair<std::size_t, std::size_t> rows_seen(const Model& model, const Content& shown, Size size) {
  const Place& here = model.place();
  const std::size_t room = rows_shown(size);
  const std::size_t at = std::min(here.at, shown.rows.empty() ? 0 : shown.rows.size() - 1);
  std::size_t first = std::min(here.top, shown.rows.size());
  if (at < first) first = at;
  if (at >= first + room) first = at - room + 1;
  return {first, std::min(shown.rows.size(), first + room)};
}

void draw_rows(Grid& grid, const Model& model, const Content& shown) {
  const auto [first, last] = rows_seen(model, shown, grid.size());
  const std::size_t at = std::min(model.place().at, shown.rows.empty() ? 0 : shown.rows.size() - 1);
  const bool table = !shown.columns.empty();
  const int left = model.place().left;
  const auto widths = !table     ? std::vector<int>{}
                      : left > 0 ? whole_widths(shown)
                                 : fit(shown, first, last, grid.size().columns);
  if (table) {
    std::vector<std::string> titles;
    for (const auto& column : shown.columns) titles.push_back(column.title);
    draw_cells(grid, 1, shown, widths, titles, Style::dim, left);
  }
  for (std::size_t i = first; i < last; ++i) {
    const int row = 2 + static_cast<int>(i - first);
    if (table) draw_cells(grid, row, shown, widths, shown.rows[i].cells, shown.rows[i].style, left);
    else
      grid.put(0, row, left > 0 ? without(shown.rows[i].cells.front(), left) : shown.rows[i].cells.front(),
               shown.rows[i].style);
    if (i == at) grid.paint(row, Style::selected);
  }
  if (!shown.rows.empty()) return;
  if (!shown.empty.empty()) grid.put(0, 2, shown.empty, Style::warn);
  else if (table) grid.put(0, 2, "nothing to show", Style::dim);
}

/// Draws the input or the notice on the last line but one; a long text takes lines of the view.
void draw_line(Grid& grid, const Model& model) {
  std::vector<std::pair<std::string, Style>> parts;
  switch (model.mode) {
    case Model::Mode::command: parts = {{":" + model.line + "_", Style::marked}}; break;
    case Model::Mode::filter: {
      parts = {{"/" + model.line + "_", Style::marked}};
      const auto parsed = observe::Filter::parse(actor_filter(model.line));
      const bool actors = find_view(model.place().view)->wants.actors;
      if (actors && !parsed.ok())
        parts.emplace_back(observe::told("the filter", model.line, parsed.error()), Style::bad);
      break;
    }
    case Model::Mode::confirm: parts = {{model.prompt, Style::warn}}; break;
    case Model::Mode::browse:
      if (!model.said.empty()) parts = {{model.said, model.said_style}};
      else if (model.time) parts = {{model.time->what, Style::marked}};
  }
  std::vector<std::pair<std::string, Style>> lines;
  for (const auto& [text, style] : parts)
    for (std::string& line : wrapped(text, grid.size().columns)) lines.emplace_back(std::move(line), style);
  const std::size_t most =
      std::min<std::size_t>(kNoticeLines, static_cast<std::size_t>(std::max(grid.size().rows - 2, 0)));
  if (lines.size() > most) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
  int row = grid.size().rows - 1 - static_cast<int>(lines.size());
  for (const auto& [line, style] : lines) {
    grid.erase(row);
    grid.put(0, row++, line, style);
  }
}

void draw_keys(Grid& grid, const Model& model, const Content& shown) {
  std::string keys;
  switch (model.mode) {
    case Model::Mode::command: keys = "enter open  tab complete  up down earlier lines  ^U ^W erase  esc leave"; break;
    case Model::Mode::filter: keys = "enter filter  up down earlier filters  ^U ^W erase  esc leave"; break;
    case Model::Mode::confirm: keys = "y yes  any other key no"; break;
    case Model::Mode::browse:
      keys = keys_of(*find_view(model.place().view), !model.time);
      if (find_view(model.place().view)->enter == nullptr && (!shown.columns.empty() || !shown.wraps))
        keys = "enter in full  left right scroll" + (keys.empty() ? "" : "  " + keys);
      keys += (keys.empty() ? "" : "  ") + std::string(model.time
                                                           ? ", . event  < > second  space play  : view  ? help  q end"
                                                           : ": view  ? help  esc back  q end");
  }
  grid.put(0, grid.size().rows - 1, keys, Style::dim);
}

/// Replaces each of our own characters beyond ASCII by an ASCII character.
std::string in_ascii(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kPlain{{{"▁", "."},
                                                                                         {"▂", "."},
                                                                                         {"▃", ":"},
                                                                                         {"▄", ":"},
                                                                                         {"▅", "+"},
                                                                                         {"▆", "+"},
                                                                                         {"▇", "#"},
                                                                                         {"█", "#"},
                                                                                         {"…", "~"},
                                                                                         {"└", "`"},
                                                                                         {"◀", "<"},
                                                                                         {"▲", "^"},
                                                                                         {"▼", "v"},
                                                                                         {"·", "."}}};
  const auto found = std::ranges::find(kPlain, text, [](const auto& one) { return one.first; });
  if (found != kPlain.end()) return std::string(found->second);
  return text.empty() || static_cast<unsigned char>(text.front()) >= 0x80 ? "?" : std::string(text);
}

}  // namespace

std::vector<int> whole_widths(const Content& shown) { return natural_widths(shown, 0, shown.rows.size()); }

std::vector<int> column_widths(const Model& model, const Content& shown) {
  const auto [first, last] = rows_seen(model, shown, model.size);
  return fit(shown, first, last, model.size.columns);
}

Grid draw(const Model& model, bool ascii) {
  Grid grid(model.size);
  const Content shown = content(model);
  draw_state(grid, model, shown);
  draw_rows(grid, model, shown);
  draw_line(grid, model);
  draw_keys(grid, model, shown);
  if (ascii) grid.replace(in_ascii);
  return grid;
}

}  // namespace troupe::apps::screens
