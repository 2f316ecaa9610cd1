#include "apps/inspect/screens/model.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "apps/cli/command.hpp"
#include "apps/inspect/screens/draw.hpp"
#include "apps/inspect/screens/tables.hpp"
#include "runtime/base/nearest.hpp"
#include "runtime/observe/logic/filter.hpp"

namespace troupe::apps::screens {
namespace {

constexpr int kRowsAround = 4;  // status, headings, notice, keys
constexpr std::size_t kLogMax = 2'000;
constexpr std::size_t kLineMax = 1'000;
constexpr std::size_t kLinesBefore = 100;  // our choice: of commands, and of filters
constexpr const char* kEveryActor = "/**";

/// Whether only a live node has the view.
bool is_live(std::string_view view) {
  constexpr std::array kLive{"peers", "links", "dead", "buckets", "file", "flows", "follow", "messages", "message"};
  return std::ranges::find(kLive, view) != kLive.end() || find_table(view) != nullptr;
}

/// The commands that can be typed after ':' in addition to the views; with a blank if a command needs more. For live
/// nodes, for simulation runs, or for both.
enum class Where : std::uint8_t { both, live, world };
constexpr std::pair<std::string_view, Where> kWords[] = {
    {"save ", Where::both},   {"capture ", Where::both}, {"quit", Where::both},  {"level ", Where::live},
    {"restart", Where::live}, {"kill", Where::live},     {"pause", Where::live}, {"resume", Where::live},
    {"drain", Where::live},   {"follow ", Where::live},  {"at ", Where::world},  {"event ", Where::world},
    {"cut ", Where::world},   {"heal ", Where::world},
};

/// Returns the commands and views that apply to a simulation run or to a live node.
std::vector<std::string_view> typed_words(bool world) {
  std::vector<std::string_view> out;
  for (const View& view : views())
    if (!world || !is_live(view.name)) out.push_back(view.name);
  for (const auto& [word, where] : kWords)
    if (where == Where::both || (where == Where::world) == world) out.push_back(word);
  return out;
}

bool lists_actors(std::string_view view) { return view == "actors" || view == "tree"; }

constexpr std::string_view kBlanks = " \t";

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = text.find_first_not_of(kBlanks); at < text.size(); at = text.find_first_not_of(kBlanks, at)) {
    const std::size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

bool contains(std::string_view text, std::string_view part) {
  const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  return !std::ranges::search(text, part, same).empty() || part.empty();
}

}  // namespace

std::size_t rows_shown(Size size) { return static_cast<std::size_t>(std::max(size.rows - kRowsAround, 1)); }

bool changes(Order::What what) {
  switch (what) {
    case Order::What::restart:
    case Order::What::kill:
    case Order::What::pause:
    case Order::What::resume:
    case Order::What::drain:
    case Order::What::log_level: return true;
    default: return false;
  }
}

std::string_view name(Order::What what) {
  switch (what) {
    case Order::What::trace: return "trace";
    case Order::What::follow: return "follow";
    case Order::What::flows: return "flows";
    case Order::What::stop: return "stop";
    case Order::What::restart: return "restart";
    case Order::What::kill: return "kill";
    case Order::What::pause: return "pause";
    case Order::What::resume: return "resume";
    case Order::What::drain: return "drain";
    case Order::What::log_level: return "level";
    case Order::What::move: return "move";
    case Order::What::steer: return "steer";
    case Order::What::save: return "save";
    case Order::What::capture: return "capture";
    case Order::What::quit: return "quit";
  }
  return "";
}

const View* find_view(std::string_view name) {
  const auto found = std::ranges::find(views(), name, &View::name);
  return found == views().end() ? nullptr : &*found;
}

std::string keys_of(const View& view, bool live) {
  std::string out(view.keys);
  if (live && !view.live.empty()) out += (out.empty() ? "" : "  ") + std::string(view.live);
  return out;
}

namespace {

void filter_rows(Content& out, const Model& model) {
  if (model.filter().empty()) return;
  std::string title = "filter \"" + model.filter() + '"';
  if (!out.filtered) {
    const std::size_t all = out.rows.size();
    std::erase_if(out.rows, [&](const Content::Row& row) { return !selects(model.filter(), row.cells); });
    title += ": " + std::to_string(out.rows.size()) + " of " + std::to_string(all);
    out.empty = "the filter \"" + model.filter() + "\" hides all " + std::to_string(all) + " rows; esc clears it";
  }
  out.title = title + (out.title.empty() ? "" : "; ") + out.title;
}

void wrap_rows(Content& out, int columns) {
  std::vector<Content::Row> rows;
  for (Content::Row& row : out.rows)
    for (std::string& line : wrapped(row.cells.front(), columns)) {
      rows.push_back(row);
      rows.back().cells = {std::move(line)};
    }
  out.rows = std::move(rows);
}

}  // namespace

Content content(const Model& model) {
  Content out = find_view(model.place().view)->show(model);
  filter_rows(out, model);
  if (out.columns.empty() && out.wraps) wrap_rows(out, model.size.columns);
  return out;
}

bool selects(std::string_view filter, const std::vector<std::string>& cells) {
  return std::ranges::all_of(words_of(filter), [&](const std::string& word) {
    return std::ranges::any_of(cells, [&](const std::string& cell) { return contains(cell, word); });
  });
}

std::string actor_filter(const std::string& typed) {
  if (typed.find('"') != std::string::npos) return typed;
  std::string out;
  for (const std::string& word : words_of(typed)) {
    const bool regex = word.size() > 1 && word.front() == '/' && word.back() == '/';
    const bool plain = !regex && word != "not" && word.find_first_of("=!<>~*?") == std::string::npos;
    out += (out.empty() ? "" : " ") + std::string(plain ? "~" : "") + word;
  }
  return observe::Filter::parse(out).ok() ? out : typed;  // its words may surround an operator: mailbox > 1
}

// -- in --------------------------------------------------------------------------------------------------------------

void Model::take(const News& news, base::Instant at) {
  now = std::max(now, at);
  if (news.node >= kNodesMax) return;
  if (news.node >= nodes.size()) nodes.resize(news.node + 1);
  NodeData& data = nodes[news.node];
  if (news.named) data.name = *news.named;
  if (news.said) say(*news.said, news.bad ? Style::bad : Style::good);
  messages_dropped += news.messages_dropped + (paused ? news.messages.size() : 0);
  for (const Message& one : news.messages) {
    if (paused) break;
    messages.push_back(one);
    messages.back().number = messages_ever++;
    if (messages.size() <= kMessagesMax) continue;
    messages.pop_front();
    ++messages_dropped;
  }
  if (news.trace_ended) tracing.clear();
  if (news.lost) {
    if (!data.lost_since) data.lost_since = at;
    data.lost = news.lost;
    return;
  }
  if (paused) return;
  if (news.status) {
    data.status = news.status;
    data.heard = at;
    data.lost.reset();
    data.lost_since.reset();
  }
  if (news.actors) {
    const auto before = data.actors.process;
    data.actors = *news.actors;
    if (auto& process = data.actors.process; process && before && process->cpu_ms >= before->cpu_ms && at > data.listed)
      process->cores = static_cast<double>(process->cpu_ms - before->cpu_ms) /
                       std::chrono::duration<double, std::milli>(at - data.listed).count();
    data.listed = at;
    if (!time) note_history(data);
  }
  if (news.ended) data.ended = *news.ended, data.ended_in_all = news.ended_in_all;
  if (news.peers) data.peers = *news.peers;
  if (news.links) data.links = *news.links, data.handshakes = news.handshakes;
  if (news.log) {
    if (news.log->first < data.log_next) data.log.clear();  // of another run of the node
    else if (news.log->first > data.log_next) data.log_missed += news.log->first - data.log_next;
    for (const std::string& one : news.log->lines) data.log.push_back(one);
    data.log_next = news.log->first + news.log->lines.size();
    while (data.log.size() > kLogMax) data.log.pop_front();
  }
  if (news.look) {
    if (data.look && data.look->row.path == news.look->row.path)
      looked_before[std::to_string(news.node) + data.look->row.path] = *data.look;
    while (looked_before.size() > kPlacesMax) looked_before.erase(looked_before.begin());
    data.look = news.look;
    data.look_error.clear();
  }
  if (news.table) data.table = news.table;
  if (news.file) data.file = news.file;
  if (news.table_rows) tables[news.node] = *news.table_rows;
  if (news.look_error) {
    data.look_error = *news.look_error;
    data.look.reset();
  }
}

void Model::settle() {
  Place& here = places.back();
  if (here.selected.empty()) return;
  const Content rows = content(*this);
  if (here.at < rows.rows.size() && rows.rows[here.at].key == here.selected) return;
  const auto found = std::ranges::find(rows.rows, here.selected, &Content::Row::key);
  if (found == rows.rows.end()) return;
  here.at = static_cast<std::size_t>(found - rows.rows.begin());
  if (here.at < here.top || here.at >= here.top + rows_shown(size)) here.top = here.at;
}

void Model::note_history(const NodeData& data) {
  const std::string at = std::to_string(&data - nodes.data());
  for (const ActorRow& row : data.actors.rows) {
    if (histories.size() >= kHistoriesMax && !histories.contains(at + row.path)) histories.erase(histories.begin());
    auto& values = histories[at + row.path];
    values.push_back(row.per_second);
    if (values.size() > kHistory) values.pop_front();
  }
}

const std::deque<double>* Model::history(const std::string& path) const {
  const auto found = histories.find(std::to_string(node) + path);
  return found == histories.end() ? nullptr : &found->second;
}

const Message* Model::message(std::uint64_t number) const {
  if (messages.empty() || number < messages.front().number) return nullptr;
  const auto at = static_cast<std::size_t>(number - messages.front().number);
  return at < messages.size() ? &messages[at] : nullptr;
}

Wants Model::wants() const {
  Wants out = find_view(place().view)->wants;
  if (paused) return {};
  return out;
}

std::string Model::file_shown() const { return place().view == "file" && !paused ? place().subject : ""; }

std::string Model::actor_at() const {
  const std::string& path = place().view == "actor" ? place().subject : place().selected;
  return path.starts_with('/') ? path : "";
}

std::string Model::looks_at() const { return place().view == "actor" && !paused ? place().subject : ""; }

// -- places ----------------------------------------------------------------------------------------------------------

void Model::open(std::string view, std::string subject) {
  if (time && is_live(view))
    return say(view + " works only for live nodes: a simulation run has actors, their states, logs and warnings",
               Style::warn);
  if (places.size() >= kPlacesMax) places.erase(places.begin());
  places.push_back({.view = std::move(view), .subject = std::move(subject)});
}

void Model::back() {
  const bool traces = place().view == "messages" || place().view == "follow" || place().view == "flows";
  if (traces && !tracing.empty()) {
    orders.push_back({Order::What::stop, {}, node});
    tracing.clear();
  }
  if (places.size() > 1) places.pop_back();
  else if (place().view != "overview") places.back() = {.view = "overview"};
}

void Model::order(Order::What what, std::string subject) {
  const Order one{what, std::move(subject), node};
  if (!changes(what)) return orders.push_back(one);
  if (time) return say("actions work only on live nodes; use :cut and :heal to steer a simulation run", Style::warn);
  if (!operate) return say("the screens are read-only; start them with --operate to act on the node", Style::warn);
  asked = one;
  mode = Mode::confirm;
  const std::string where = shown().status ? shown().status->name : shown().name;
  prompt = std::string(name(what)) + (one.subject.empty() ? "" : " " + one.subject) + " at node " + where +
           "? It is written to the node's audit log. y: yes";
}

void Model::trace(Order::What what, std::string subject) {
  const bool list = what == Order::What::trace;
  if (time)
    return say("messages are traced only at live nodes; in a simulation run use , and . to step through its events",
               Style::warn);
  open(list ? "messages" : std::string(name(what)), std::move(subject));
  messages.clear();
  messages_dropped = 0;
  trace_again(what);
}

void Model::trace_again(Order::What what) {
  Place& here = places.back();
  here.order = ++traces_ever;
  tracing = here.subject;
  orders.push_back({.what = what, .subject = here.subject, .node = node, .number = here.order});
}

// -- keys ------------------------------------------------------------------------------------------------------------

void Model::key(const Key& key) {
  settle();
  if (mode == Mode::confirm) {
    const bool yes = key.what == Key::What::character && (key.text == "y" || key.text == "Y");
    mode = Mode::browse;
    if (yes && asked) orders.push_back(*asked);
    say(yes ? "" : "nothing was done");
    asked.reset();
  } else if (mode == Mode::browse) {
    browse(key);
  } else {
    typed(key);
  }
}

void Model::typed(const Key& key) {
  switch (key.what) {
    case Key::What::enter: return entered();
    case Key::What::escape: mode = Mode::browse; return;
    case Key::What::tab: return complete();
    case Key::What::up: return recall(1);
    case Key::What::down: return recall(-1);
    case Key::What::erase_line: return line.clear();
    case Key::What::erase_word:
      line.erase(line.find_last_not_of(kBlanks) + 1);
      line.erase(line.find_last_of(kBlanks) + 1);  // npos + 1: all of it
      return;
    case Key::What::backspace:
      if (line.empty()) mode = Mode::browse;
      while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80) line.pop_back();
      if (!line.empty()) line.pop_back();
      return;
    case Key::What::character:
      if (line.size() + key.text.size() <= kLineMax) line += key.text;
      return;
    default: return;
  }
}

void Model::type_into(Mode to, std::string text) {
  mode = to;
  line = std::move(text);
  recalled = 0;
}

/// Replaces the input by an earlier line, or restores it.
void Model::recall(long by) {
  const auto& lines = lines_before[mode];
  const long to = static_cast<long>(recalled) + by;
  if (to < 0 || to > static_cast<long>(lines.size())) return;
  if (recalled == 0) typed_first = line;
  recalled = static_cast<std::size_t>(to);
  line = recalled == 0 ? typed_first : lines[lines.size() - recalled];
}

void Model::entered() {
  const Mode was = std::exchange(mode, Mode::browse);
  auto& lines = lines_before[was];
  if (!line.empty()) {
    std::erase(lines, line);
    lines.push_back(line);
    if (lines.size() > kLinesBefore) lines.erase(lines.begin());
  }
  recalled = 0;
  if (was == Mode::command) return run(line);
  if (find_view(place().view)->wants.actors) {
    const auto parsed = observe::Filter::parse(screens::actor_filter(line));
    if (!parsed.ok()) {
      mode = Mode::filter;  // its syntax error is on the screen
      return;
    }
    // The overview shows the busiest of all actors: the matching actors are in the list.
    if (!lists_actors(place().view) && !line.empty()) open("actors");
  }
  places.back().filter = line;
  places.back().at = places.back().top = 0;
}

/// Completes to the longest common beginning of all matching views.
void Model::complete() {
  if (mode != Mode::command) return;
  std::vector<std::string_view> fitting = typed_words(time.has_value());
  std::erase_if(fitting, [&](std::string_view one) { return !one.starts_with(line); });
  if (fitting.empty()) return;
  std::string common(fitting.front());
  for (const auto one : fitting)
    while (!one.starts_with(common)) common.pop_back();
  line = common;
}

void Model::run(const std::string& command) {
  const auto blank = command.find(' ');
  const std::string word = command.substr(0, blank);
  const std::string rest = blank == std::string::npos ? "" : command.substr(command.find_first_not_of(' ', blank));
  if (word.empty()) return;
  if (word == "q" || word == "quit") return order(Order::What::quit, {});
  if (word == "save") {
    if (rest.empty()) return say(":save needs a file name", Style::bad);
    return order(Order::What::save, rest);
  }
  if (word == "capture") return order(Order::What::capture, rest);
  if (time && word == "at") return orders.push_back({Order::What::move, "@" + rest, node});
  if (time && word == "event") return orders.push_back({Order::What::move, "#" + rest, node});
  if (word == "cut" || word == "heal") {
    if (time) return orders.push_back({Order::What::steer, command, node});
    return say(":" + word + " works only for simulation runs: the screens do not steer a live network", Style::warn);
  }
  if (word == "level") return order(Order::What::log_level, rest);
  if (time && is_live(word)) return open(word);  // which says why not
  if (word == "drain") return order(Order::What::drain, {});
  if (word == "follow") {
    if (!parse_trace(rest))
      return say("invalid trace: expected up to 16 hexadecimal digits, got \"" + rest + '"', Style::bad);
    return trace(Order::What::follow, rest);
  }
  if (word == "messages" || word == "flows") {
    const bool flows = word == "flows";
    const std::string pattern = !rest.empty() ? rest : flows ? std::string(kEveryActor) : actor_at();
    if (pattern.empty())
      return say(":messages needs a pattern: the path of an actor, or a filter such as /dht/** or kind=peer",
                 Style::bad);
    if (const auto parsed = observe::Filter::parse(pattern); !parsed.ok())
      return say(observe::told("the pattern", pattern, parsed.error()), Style::bad);
    return trace(flows ? Order::What::flows : Order::What::trace, pattern);
  }
  for (const auto what : {Order::What::restart, Order::What::kill, Order::What::pause, Order::What::resume}) {
    if (word != name(what)) continue;
    const std::string path = !rest.empty() ? rest : actor_at();
    if (!path.starts_with('/')) return say(":" + word + " needs the path of an actor", Style::bad);
    return order(what, path);
  }
  if (word == "actor" || word == "file") {
    const std::string subject = word == "actor" && rest.empty() ? actor_at() : rest;
    if (!subject.empty()) return open(word, subject);
    return say(word == "actor" ? ":actor needs the path of an actor" : ":file needs the CID of a file", Style::bad);
  }
  if (const View* view = find_view(word); view != nullptr) {
    open(word, rest);
    return;
  }
  std::vector<std::string_view> names = typed_words(time.has_value());
  for (auto& one : names)
    if (one.ends_with(' ')) one.remove_suffix(1);
  say("there is no view or command \"" + word + "\"; did you mean :" + std::string(base::nearest(word, names)) + "?",
      Style::bad);
}

void Model::browse(const Key& key) {
  const auto page = static_cast<long>(rows_shown(size));
  say("");
  switch (key.what) {
    case Key::What::up: return move(-1);
    case Key::What::down: return move(1);
    case Key::What::page_up: return move(-page);
    case Key::What::page_down: return move(page);
    case Key::What::home: return move_to(0);
    case Key::What::end: return move_to(~std::size_t{0} >> 1);
    case Key::What::left: return sideways(-1);
    case Key::What::right: return sideways(1);
    case Key::What::escape:
      if (filter().empty()) return back();
      places.back().filter.clear();
      places.back().at = places.back().top = 0;
      return;
    case Key::What::click:
      if (key.row >= 2 && key.row < 2 + static_cast<int>(page))
        move_to(place().top + static_cast<std::size_t>(key.row - 2));
      return;
    case Key::What::tab: return character("\t");
    case Key::What::enter: {
      const Content rows = content(*this);
      const View* view = find_view(place().view);
      if (place().at >= rows.rows.size()) return;
      if (view->enter != nullptr) view->enter(*this, rows.rows[place().at]);
      else open_row(rows);
      return;
    }
    case Key::What::character: return character(key.text);
    case Key::What::backspace: return back();
    case Key::What::erase_line:
    case Key::What::erase_word: return;
  }
}

void Model::character(const std::string& text) {
  const Content rows = content(*this);
  const Content::Row* row = place().at < rows.rows.size() ? &rows.rows[place().at] : nullptr;
  const View* view = find_view(place().view);
  if (time && move_in_time(text)) return;
  if (view->key != nullptr && view->key(*this, text, row)) return;
  if (text == "j") return move(1);
  if (text == "k") return move(-1);
  if (text == "h") return sideways(-1);
  if (text == "l") return sideways(1);
  if (text == "g") return move_to(0);
  if (text == "G") return move_to(~std::size_t{0} >> 1);
  if (text == "q") return order(Order::What::quit, {});
  if (text == "?") return open("help", place().view);
  if (text == " ") {
    paused = !paused;
    return say(paused ? "the screen is paused; the node is not" : "");
  }
  if (text == "i") {
    own = !own;
    return say(own ? "the inspector's own actors are shown" : "the inspector's own actors are hidden");
  }
  if (text == "t") {
    totals = !totals;
    return;
  }
  if (text == "/") return type_into(Mode::filter, filter());
  if (text == ":") return type_into(Mode::command);
  if (text == "y") {
    if (row == nullptr || row->copy.empty()) return say("this row has no command", Style::warn);
    return say(row->copy);
  }
  if (text >= "1" && text <= "9" && text.size() == 1) {
    const auto at = static_cast<std::size_t>(text[0] - '1');
    if (at < nodes.size()) node = at;
    return;
  }
}

/// Handles the keys of a simulation run; returns false for any other key.
bool Model::move_in_time(const std::string& text) {
  if (text == " ") {
    if (!time->playing && time->event >= time->events)
      return say("this is the end of the run: < goes back by a second, g to a time", Style::warn), true;
    time->playing = !time->playing;
    say(time->playing ? "playing; + and - change the speed" : "");
    return true;
  }
  if (text == "+" || text == "=") return time->speed = std::min(time->speed * 2, 4'096.0), true;
  if (text == "_") return time->speed = std::max(time->speed / 2, 1.0 / 1'024), true;
  if (text == "W") {
    time->playing = false;
    orders.push_back({Order::What::move, text, node});
    return true;
  }
  if (text == "g") return type_into(Mode::command, "at "), true;
  const bool of_actor = text == "n" || text == "N" || text == "w";
  if (of_actor && place().view != "actor")
    return say("open an actor first: n, N and w need its state", Style::warn), true;
  if (!of_actor && text != "," && text != "." && text != "<" && text != ">" && text != "$") return false;
  time->playing = false;
  orders.push_back({Order::What::move, of_actor ? text + place().subject : text, node});
  return true;
}

void Model::move(long by) {
  const auto at = static_cast<long>(place().at) + by;
  move_to(static_cast<std::size_t>(std::max(at, 0L)));
}

void Model::move_to(std::size_t row) {
  const Content rows = content(*this);
  Place& here = places.back();
  const std::size_t fit = rows_shown(size);
  here.at = rows.rows.empty() ? 0 : std::min(row, rows.rows.size() - 1);
  here.selected = rows.rows.empty() ? "" : rows.rows[here.at].key;
  if (here.at < here.top) here.top = here.at;
  if (here.at >= here.top + fit) here.top = here.at - fit + 1;
}

/// Shows the whole row of a list: each cell, or the line that was cut.
void Model::open_row(const Content& rows) {
  if (rows.columns.empty() && rows.wraps) return;
  const auto& cells = rows.rows[place().at].cells;
  const std::string from = place().view;
  open("row", from);
  auto& page = places.back().page;
  std::size_t widest = 0;
  for (const auto& column : rows.columns) widest = std::max(widest, column.title.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::string title = i < rows.columns.size() ? rows.columns[i].title : "";
    if (!rows.columns.empty()) title.resize(widest + 2, ' ');
    page.push_back(title + cells[i]);
  }
}

void Model::sideways(int step) {
  const Content rows = content(*this);
  if (std::ranges::any_of(rows.columns, [](const auto& column) { return !column.sort.empty(); }))
    return sort_by(rows, step);
  int widest = 0;
  if (rows.columns.empty())
    for (const auto& row : rows.rows) widest = std::max(widest, width(row.cells.front()));
  for (const int one : whole_widths(rows)) widest += one + kColumnGap;
  int& left = places.back().left;
  left = std::clamp(left + step * std::max(size.columns / 2, 1), 0, std::max(widest - size.columns, 0));
}

/// Selects the next column on the screen that a node can sort by.
void Model::sort_by(const Content& rows, int step) {
  const std::vector<int> widths = column_widths(*this, rows);
  std::vector<std::string> fields;
  for (std::size_t i = 0; i < rows.columns.size(); ++i)
    if (!rows.columns[i].sort.empty() && widths[i] > 0) fields.push_back(rows.columns[i].sort);
  if (fields.empty()) return;
  const auto found = std::ranges::find(fields, top.empty() ? "path" : top);
  const auto at = found == fields.end() ? 0 : found - fields.begin();
  const auto count = static_cast<long>(fields.size());
  top = fields[static_cast<std::size_t>(((at + step) % count + count) % count)];
  reversed = false;
  say("sorted by " + top);
}

}  // namespace troupe::apps::screens
