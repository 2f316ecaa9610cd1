// Lists: actors, the tree, ended actors, peers, links, nodes.
#include <algorithm>
#include <map>

#include "apps/cli/shell_word.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/inspect/inspect.hpp"
#include "apps/inspect/screens/view_parts.hpp"
#include "runtime/observe/logic/row.hpp"

namespace troupe::apps::screens {
namespace {

using inspect_command::percent;

constexpr std::size_t kSparkline = 12;
constexpr std::uint64_t kOldMs = 1'000;  // as for the warning old-message

Style style_of(const ActorRow& row) {
  if (row.state == "stuck" || row.state == "restarting") return Style::bad;
  if (row.state == "paused" || row.oldest_ms >= kOldMs || row.busy > 0.95) return Style::warn;
  return Style::plain;
}

std::string copy_of(const Model& model, const std::string& path) {
  const std::string& way = model.shown().name;
  return "troupe inspect --once " + shell_word(path) + (way.find('@') != std::string::npos ? " --node " + way : "");
}

std::vector<std::string> figures(const Model& model, const ActorRow& row) {
  const auto* history = model.history(row.path);
  return {row.state,
          count_text(row.mailbox),
          row.mailbox == 0 ? "-" : time_text_ms(row.oldest_ms),
          model.totals ? count_text(row.handled) : rate_text(row.per_second),
          percent(row.busy),
          time_text_us(row.p50_us),
          time_text_us(row.p99_us),
          time_text_us(row.max_us),
          count_text(row.restarts),
          row.last_error.empty() ? "-" : row.last_error,
          history == nullptr ? "" : sparkline(*history, kSparkline)};
}

std::vector<Content::Column> figure_columns(const Model& model) {
  return {{"STATE", false, 11, "state"},
          {"MAILBOX", true, 10, "mailbox"},
          {"OLDEST", true, 7, "oldestMs"},
          {model.totals ? "HANDLED" : "PER SEC", true, 9, model.totals ? "handled" : "perSecond"},
          {"BUSY", true, 9, "busy"},
          {"P50", true, 3, ""},
          {"P99", true, 6, "p99Us"},
          {"MAX", true, 4, ""},
          {"RESTARTS", true, 5, "restarts"},
          {"LAST ERROR", false, 2, "lastError"},
          {"LAST MINUTE", false, 1, ""}};
}

/// Writes how many of the actors are shown, and why there are none.
void count_actors(Content& out, const Model& model) {
  const ActorList& list = model.shown().actors;
  const std::string all = std::to_string(list.total);
  out.title = std::to_string(out.rows.size()) + " of " + std::to_string(list.matched) + " actors";
  if (list.matched != list.total) out.title += " that match, " + all + " in all";
  out.filtered = true;
  if (!list.rows.empty()) out.empty = "all matching actors are the inspector's own; i shows them";
  else if (!model.filter().empty())
    out.empty = "the filter \"" + model.filter() + "\" hides all " + all + " actors; esc clears it";
}

/// Marks the column by which the actors are sorted.
void mark_order(std::vector<Content::Column>& columns, const Model& model) {
  const std::string by = model.top.empty() ? "path" : model.top;
  const observe::Field* field = observe::find_field(by);
  const bool rising = (field != nullptr && field->kind == observe::FieldKind::text) != model.reversed;
  for (auto& column : columns)
    if (column.sort == by) column.title += rising ? " ▲" : " ▼";
}

}  // namespace

Content actors(const Model& model) {
  Content out;
  out.columns = {{"PATH", false, 20, "path"}, {"KIND", false, 1, "kind"}};
  for (auto& column : figure_columns(model)) out.columns.push_back(std::move(column));
  mark_order(out.columns, model);
  for (const ActorRow& row : model.shown().actors.rows) {
    if (!model.own && is_own(row)) continue;
    Content::Row shown{.style = style_of(row), .key = row.path, .copy = copy_of(model, row.path)};
    shown.cells = {row.path, row.kind};
    for (auto& cell : figures(model, row)) shown.cells.push_back(std::move(cell));
    out.rows.push_back(std::move(shown));
  }
  count_actors(out, model);
  if (!model.top.empty()) out.title += ", by " + model.top;
  return out;
}

void actors_enter(Model& model, const Content::Row& row) { model.open("actor", row.key); }

bool actors_key(Model& model, const std::string& key, const Content::Row* row) {
  if (key == "r" && model.place().view == "actors") return model.reversed = !model.reversed, true;
  if (key != "m" || row == nullptr) return false;
  return model.trace(Order::What::trace, row->key), true;
}

namespace {

/// The actors of a list by their parents. A child's path begins with its parent's. Children of the root, `/node`, have
/// a path of one part; an actor without parent, such as the link `/peer/9f3c`, is also a root.
class Family {
 public:
  explicit Family(const std::vector<ActorRow>& rows) : rows_(rows), children_(rows.size() + 1) {
    std::map<std::string_view, std::size_t> by_path;
    for (std::size_t i = 0; i < rows.size(); ++i) by_path.emplace(rows[i].path, i);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string_view path = rows[i].path;
      auto parent = by_path.end();
      std::size_t cut = path.rfind('/');
      for (; parent == by_path.end() && cut > 0 && cut != std::string_view::npos; cut = path.rfind('/', cut - 1))
        parent = by_path.find(path.substr(0, cut));
      if (parent == by_path.end() && path.rfind('/') == 0 && path != kRoot) parent = by_path.find(kRoot);
      children_[parent == by_path.end() ? rows.size() : parent->second].push_back(i);
    }
    std::ranges::stable_partition(children_.back(), [&](std::size_t i) { return rows[i].path == kRoot; });
  }

  const std::vector<std::size_t>& roots() const { return children_.back(); }
  const std::vector<std::size_t>& children(std::size_t of) const { return children_[of]; }
  std::size_t below(std::size_t of) const {
    std::size_t out = children_[of].size();
    for (const std::size_t child : children_[of]) out += below(child);
    return out;
  }
  /// Returns the path without the parent's path.
  std::string name(std::size_t row, std::optional<std::size_t> parent) const {
    const std::string& path = rows_[row].path;
    const bool within = parent && path.starts_with(rows_[*parent].path + '/');
    return path.substr(std::min(within ? rows_[*parent].path.size() + 1 : 1, path.size()));
  }

 private:
  static constexpr std::string_view kRoot = "/node";
  const std::vector<ActorRow>& rows_;
  std::vector<std::vector<std::size_t>> children_;  // by row; last: the roots
};

void add_branch(Content& out, const Model& model, const Family& family, std::size_t row,
                std::optional<std::size_t> parent, std::size_t depth) {
  const ActorRow& actor = model.shown().actors.rows[row];
  if (!model.own && is_own(actor)) return;
  const auto& children = family.children(row);
  const bool folded = !children.empty() && model.folded.contains(actor.path);
  std::string name = std::string(2 * depth, ' ') +
                     (folded             ? "+ "
                      : children.empty() ? "  "
                                         : "- ") +
                     family.name(row, parent) + (folded ? " (" + std::to_string(family.below(row)) + ")" : "");
  Content::Row shown{.style = style_of(actor), .key = actor.path, .copy = copy_of(model, actor.path)};
  shown.cells = {std::move(name)};
  for (auto& cell : figures(model, actor)) shown.cells.push_back(std::move(cell));
  out.rows.push_back(std::move(shown));
  if (folded) return;
  for (const std::size_t child : children) add_branch(out, model, family, child, row, depth + 1);
}

}  // namespace

Content tree(const Model& model) {
  Content out;
  out.columns = {{"ACTOR", false, 20, ""}};
  for (auto& column : figure_columns(model)) {
    column.sort.clear();
    out.columns.push_back(std::move(column));
  }
  const Family family(model.shown().actors.rows);
  for (const std::size_t root : family.roots()) add_branch(out, model, family, root, std::nullopt, 0);
  count_actors(out, model);
  return out;
}

bool tree_key(Model& model, const std::string& key, const Content::Row* row) {
  if (key == "\t") return model.trace(Order::What::flows, "/**"), true;
  if (key == "-" && row != nullptr) {
    if (model.folded.erase(row->key) == 0) model.folded.insert(row->key);
    return true;
  }
  return actors_key(model, key, row);
}

Content dead(const Model& model) {
  Content out;
  out.columns = {{"PATH", false, 20},
                 {"KIND", false, 2},
                 {"ENDED", true, 9},
                 {"DECISION", false, 8},
                 {.title = "WHY", .keep = 10, .flexible = true},
                 {"LAST MESSAGE", false, 3},
                 {"HANDLED", true, 4},
                 {"RESTARTS", true, 5}};
  for (const EndedRow& row : model.shown().ended) {
    std::string why = row.code.empty() ? row.why : row.code + ": " + row.why;
    out.rows.push_back({.cells = {row.path, row.kind, time_text_ms(row.ago_ms), row.decision, why.empty() ? "-" : why,
                                  row.last_message.empty() ? "-" : row.last_message, count_text(row.handled),
                                  count_text(row.restarts)},
                        .style = row.code.empty() ? Style::plain : Style::warn,
                        .key = row.path,
                        .copy = "troupe inspect --once --ended --filter " + shell_word(row.path)});
  }
  out.title = std::to_string(out.rows.size()) + " of " + std::to_string(model.shown().ended_in_all) +
              " ended actors, latest first";
  return out;
}

Content one_row(const Model& model) {
  Content out;
  out.title = model.place().subject.empty() ? "enter on a row of a list shows it here" : "of " + model.place().subject;
  for (const std::string& line : model.place().page) out.rows.push_back(text_row(line));
  return out;
}

Content peers(const Model& model) {
  Content out;
  out.columns = {{"NODE", false, 20}, {"ADDRESS", false, 10}, {"STATE", false, 12},  {"RTT", true, 9},
                 {"LINK", false, 6},  {"SENT", true, 4},      {"RECEIVED", true, 4}, {"POINTS", true, 5}};
  for (const PeerRow& row : model.shown().peers) {
    const bool bad = row.state == "banned" || row.state == "unhealthy";
    out.rows.push_back(
        {.cells = {row.node, row.address, row.state, row.rtt_ms ? fixed(*row.rtt_ms, 1) + " ms" : "-", row.direction,
                   bytes_for_people(row.sent), bytes_for_people(row.received), std::to_string(row.score)},
         .style = bad                      ? Style::warn
                  : row.state == "healthy" ? Style::good
                                           : Style::plain,
         .key = row.node,
         .copy = "troupe peers ls"});
  }
  out.title = std::to_string(out.rows.size()) + " nodes known";
  return out;
}

Content links(const Model& model) {
  Content out;
  out.columns = {{"NODE", false, 20}, {"ADDRESS", false, 10}, {"ROLE", false, 8},   {"DIALLED BY", false, 5},
                 {"UP", true, 7},     {"SENT", true, 6},      {"RECEIVED", true, 6}};
  for (const LinkRow& row : model.shown().links)
    out.rows.push_back({.cells = {row.node, row.address, row.role, row.outbound ? "this node" : "remote",
                                  time_text_ms(row.up_ms), bytes_for_people(row.sent), bytes_for_people(row.received)},
                        .key = row.node});
  out.title = std::to_string(out.rows.size()) + " links in service, " + std::to_string(model.shown().handshakes) +
              " unfinished handshakes";
  return out;
}

namespace {

constexpr std::string_view kRefuses = "responds, but does not accept this key";

/// Returns why the node is lost, without the node's name, which other columns show.
std::string lost_reason(const NodeData& data) {
  std::string_view out = *data.lost;
  for (const std::string& known : {"the node " + data.name + " ", std::string("cannot be reached: ")})
    if (out.starts_with(known)) out.remove_prefix(known.size());
  return std::string(out);
}

std::string lost_word(const NodeData& data) { return lost_reason(data).starts_with(kRefuses) ? "refuses" : "lost"; }

}  // namespace

Content every_node(const Model& model) {
  Content out;
  out.columns = {{"NODE", false, 20},   {"NAME", false, 12},
                 {"HEALTH", false, 15}, {"STAGE", false, 3},
                 {"ACTORS", true, 8},   {"PEERS", true, 8},
                 {"SEATS", true, 2},    {"UP", true, 5},
                 {"VERSION", false, 1}, {.title = "WARNINGS", .keep = 10, .flexible = true}};
  for (std::size_t i = 0; i < model.nodes.size(); ++i) {
    const NodeData& data = model.nodes[i];
    Content::Row row{.key = std::to_string(i)};
    if (!data.status) {
      const std::string::size_type at = data.name.find('@');
      const std::string address = at == std::string::npos ? "" : data.name.substr(at + 1);
      row.cells = {short_node(data.name.substr(0, at)),
                   address,
                   data.lost ? lost_word(data) : "…",
                   "",
                   "",
                   "",
                   "",
                   "",
                   "",
                   data.lost ? lost_reason(data) : "no response yet"};
      row.style = data.lost ? Style::bad : Style::dim;
    } else {
      const Status& status = *data.status;
      std::string reasons;
      for (const Reason& one : status.reasons) reasons += (reasons.empty() ? "" : ", ") + one.source;
      std::string health = status.health;
      if (data.lost) {
        const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(model.now - *data.lost_since);
        health = lost_word(data) + " for " + time_text_ms(static_cast<std::uint64_t>(since.count()));
        reasons = lost_reason(data);
      }
      row.cells = {short_node(status.node),
                   status.name,
                   health,
                   status.stage,
                   count_text(status.actors),
                   std::to_string(status.peers),
                   std::to_string(status.seats),
                   time_text_ms(status.uptime_s * 1'000),
                   status.version,
                   reasons};
      row.style = data.lost || status.health == "failing" ? Style::bad
                  : status.health == "degraded"           ? Style::warn
                                                          : Style::good;
      row.copy = "troupe status" + (data.name.find('@') != std::string::npos ? " --node " + data.name : "");
    }
    out.rows.push_back(std::move(row));
  }
  out.title = std::to_string(model.nodes.size()) + (model.nodes.size() == 1 ? " node" : " nodes");
  return out;
}

void every_node_enter(Model& model, const Content::Row& row) {
  model.node = std::min(static_cast<std::size_t>(std::stoul(row.key)), model.nodes.size() - 1);
  model.open("overview");
}

}  // namespace troupe::apps::screens
