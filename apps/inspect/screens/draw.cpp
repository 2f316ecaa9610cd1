#include "apps/inspect/screens/draw.hpp"

#include <algorithm>
#include <array>

#include "apps/cli/terminal.hpp"
#include "apps/inspect/screens/view_parts.hpp"
#include "runtime/observe/logic/filter.hpp"

namespace troupe::apps::screens {
namespace {

constexpr int kGap = 2;
constexpr int kStale = 3;  // seconds: three refreshes

/// The widths of the columns that fit; zero: left out, the one of the smallest `keep` first.
std::vector<int> fit(const Content& content, std::size_t first, std::size_t last, int room) {
  std::vector<int> widths;
  for (std::size_t i = 0; i < content.columns.size(); ++i) {
    int widest = width(content.columns[i].title);
    for (std::size_t row = first; row < last; ++row) widest = std::max(widest, width(content.rows[row].cells[i]));
    widths.push_back(std::max(widest, 1));
  }
  const auto total = [&] {
    int sum = -kGap;
    for (const int one : widths) sum += one == 0 ? 0 : one + kGap;
    return sum;
  };
  constexpr int kNarrow = 24, kWorthy = 8;  // columns of less worth are left out before a worthy one is cut
  while (total() > room) {
    std::size_t least = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i)
      if (widths[i] > 0 && (least == widths.size() || content.columns[i].keep < content.columns[least].keep)) least = i;
    const auto widest = std::ranges::max_element(widths);
    if (content.columns[least].keep >= kWorthy && *widest > kNarrow) {
      *widest = std::max(kNarrow, *widest - (total() - room));
    } else {
      if (std::ranges::count_if(widths, [](int one) { return one > 0; }) <= 1) break;
      widths[least] = 0;
    }
  }
  return widths;
}

void draw_cells(Grid& grid, int row, const Content& content, const std::vector<int>& widths,
                const std::vector<std::string>& cells, Style style) {
  int column = 0;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] == 0) continue;
    const int used = std::min(width(cells[i]), widths[i]);
    grid.put(column + (content.columns[i].right ? widths[i] - used : 0), row, cells[i], style, widths[i]);
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

/// Rows of the content that the screen shows: from the first up to the last.
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
  const auto widths = table ? fit(shown, first, last, grid.size().columns) : std::vector<int>{};
  if (table) {
    std::vector<std::string> titles;
    for (const auto& column : shown.columns) titles.push_back(column.title);
    draw_cells(grid, 1, shown, widths, titles, Style::dim);
  }
  for (std::size_t i = first; i < last; ++i) {
    const int row = 2 + static_cast<int>(i - first);
    if (table) draw_cells(grid, row, shown, widths, shown.rows[i].cells, shown.rows[i].style);
    else grid.put(0, row, shown.rows[i].cells.front(), shown.rows[i].style);
    if (i == at) grid.paint(row, Style::selected);
  }
  if (!shown.rows.empty()) return;
  if (!shown.empty.empty()) grid.put(0, 2, shown.empty, Style::warn);
  else if (table) grid.put(0, 2, "nothing to show", Style::dim);
}

void draw_line(Grid& grid, const Model& model) {
  const int row = grid.size().rows - 2;
  switch (model.mode) {
    case Model::Mode::command: grid.put(0, row, ":" + model.line + "_", Style::marked); return;
    case Model::Mode::filter: {
      const int used = grid.put(0, row, "/" + model.line + "_", Style::marked);
      const auto parsed = observe::Filter::parse(actor_filter(model.line));
      const bool actors = find_view(model.place().view)->wants.actors;
      if (actors && !parsed.ok())
        grid.put(used + kGap, row, observe::told("the filter", model.line, parsed.error()), Style::bad);
      return;
    }
    case Model::Mode::confirm: grid.put(0, row, model.prompt, Style::warn); return;
    case Model::Mode::browse:
      if (!model.said.empty()) grid.put(0, row, model.said, model.said_style);
      else if (model.time) grid.put(0, row, model.time->what, Style::marked);
  }
}

void draw_keys(Grid& grid, const Model& model) {
  std::string keys;
  switch (model.mode) {
    case Model::Mode::command: keys = "enter go  tab complete  up down earlier lines  ^U ^W erase  esc leave"; break;
    case Model::Mode::filter: keys = "enter filter  up down earlier filters  ^U ^W erase  esc leave"; break;
    case Model::Mode::confirm: keys = "y yes  any other key no"; break;
    case Model::Mode::browse:
      keys = keys_of(*find_view(model.place().view), !model.time);
      keys += (keys.empty() ? "" : "  ") + std::string(model.time
                                                           ? ", . event  < > second  space play  : view  ? help  q end"
                                                           : ": view  ? help  esc back  q end");
  }
  grid.put(0, grid.size().rows - 1, keys, Style::dim);
}

/// Our own characters beyond ASCII, each by one of ASCII.
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
  draw_keys(grid, model);
  if (ascii) grid.replace(in_ascii);
  return grid;
}

}  // namespace troupe::apps::screens
