// One actor: its facts, its work, the responses it waits for, and its state with the changes.
#include <algorithm>

#include "apps/inspect/inspect.hpp"
#include "apps/inspect/screens/view_parts.hpp"

namespace troupe::apps::screens {
namespace {

using inspect_command::percent;

constexpr std::size_t kBar = 40;

class Page {
 public:
  Content done(std::string title) {
    out_.title = std::move(title);
    return std::move(out_);
  }
  void title(std::string text) {
    if (!out_.rows.empty()) out_.rows.push_back(text_row(""));
    out_.rows.push_back(text_row(std::move(text), Style::title));
  }
  void line(std::string text, Style style = Style::plain, std::string key = {}) {
    out_.rows.push_back(text_row("  " + std::move(text), style));
    out_.rows.back().key = std::move(key);
  }
  void figure(std::string_view name, const std::string& value, Style style = Style::plain, std::string key = {}) {
    line(padded(std::string(name), 12) + value, style, std::move(key));
  }

 private:
  Content out_;
};

void show_work(Page& page, const Look& look) {
  const ActorRow& row = look.row;
  const bool bad = row.state == "stuck" || row.state == "restarting";
  page.figure(
      "state",
      row.state + (look.handling.empty() ? "" : ", at " + look.handling + " for " + time_text_ms(look.handling_ms)),
      bad                     ? Style::bad
      : row.state == "paused" ? Style::warn
                              : Style::plain);
  if (!look.silent.empty()) page.figure("silent", look.silent, Style::warn);
  std::string waiting = row.mailbox == 0
                            ? "empty"
                            : std::to_string(row.mailbox) + " waiting, the oldest for " + time_text_ms(row.oldest_ms);
  if (!row.head_kind.empty()) waiting += ": " + row.head_kind + (row.head_from.empty() ? "" : " from " + row.head_from);
  page.figure("mailbox", waiting, row.oldest_ms >= 1'000 ? Style::warn : Style::plain);
  page.figure("handled", std::to_string(row.handled) + ", " + rate_text(row.per_second) + " per second, busy " +
                             percent(row.busy));
  page.figure("failures",
              std::to_string(row.restarts) + " restarts" +
                  (row.last_error.empty() ? "" : ", last error " + row.last_error) + ", " +
                  std::to_string(row.refused) + " refused, " + std::to_string(row.dead_letters) + " dead letters",
              row.restarts > 0 ? Style::warn : Style::plain);
  if (!look.parent.empty()) page.figure("parent", look.parent, Style::plain, look.parent);
}

void show_family(Page& page, const Look& look) {
  if (look.children_in_all > 0) page.title(std::to_string(look.children_in_all) + " children");
  for (const std::string& child : look.children) page.line(child, Style::plain, child);
  if (!look.watchers.empty()) page.title("Its end is watched by " + std::to_string(look.watchers_in_all));
  for (const std::string& one : look.watchers) page.line(one, Style::plain, one);
  if (!look.watching.empty()) page.title("It watches the end of");
  for (const std::string& one : look.watching) page.line(one, Style::plain, one);
}

void show_waits(Page& page, const Look& look) {
  if (look.asks_in_all > 0)
    page.title(std::to_string(look.asks_in_all) + " requests of this actor wait for a response");
  for (const Ask& one : look.asks)
    page.line(padded(one.kind.empty() ? "a stream" : one.kind, 28) + padded("of " + short_node(one.to), 40) + "for " +
                  time_text_ms(one.since_ms) + (one.due_ms ? ", due in " + time_text_ms(*one.due_ms) : ""),
              one.since_ms >= 1'000 ? Style::warn : Style::plain, one.to);
  if (!look.timers.empty()) page.title("Timers");
  for (const Timer& one : look.timers) page.line(padded(one.name, 40) + "in " + time_text_ms(one.due_ms));
}

/// Adds each field, marked if it differs from the previous state; `whole`: also removed fields.
void show_state(Page& page, const Look& look, const Look* before, bool whole) {
  if (look.state_kind.empty()) return;
  page.title("State: " + look.state_kind);
  const auto fields = fields_of(look.state);
  const auto earlier = before != nullptr && before->state_kind == look.state_kind ? fields_of(before->state) : fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const bool same = i < earlier.size() && earlier[i] == fields[i];
    const bool known = std::ranges::find(earlier, fields[i]) != earlier.end();
    page.line((same || known ? "  " : "* ") + fields[i], same || known ? Style::plain : Style::marked);
  }
  for (const std::string& field : earlier)
    if (whole && std::ranges::find(fields, field) == fields.end()) page.line("- " + field, Style::warn);
  if (fields.empty()) page.line("  (all fields have their default values)", Style::dim);
}

void show_past(Page& page, const Look& look) {
  if (!look.histogram.empty()) {
    page.title("Handlers: half within " + time_text_us(look.p50_us) + ", 99 % within " + time_text_us(look.p99_us) +
               ", all within " + time_text_us(look.max_us) + " (" + std::to_string(look.timed) + " timed in " +
               time_text_ms(look.kept_for_ms) + ")");
    std::uint64_t most = 1;
    for (const Bucket& one : look.histogram) most = std::max(most, one.count);
    for (const Bucket& one : look.histogram)
      page.line("below " + padded(time_text_us(one.below_us), 10) + padded(std::to_string(one.count), 8) +
                bar(static_cast<double>(one.count) / static_cast<double>(most), kBar));
  }
  if (!look.messages.empty()) page.title("Its latest messages");
  for (const PastMessage& one : look.messages)
    page.line(padded(time_text_ms(one.ago_ms) + " ago", 14) + padded(one.kind, 28) +
              padded("from " + (one.from.empty() ? "-" : short_node(one.from)), 36) +
              padded("took " + time_text_us(one.took_us), 16) + std::to_string(one.bytes) + " B" +
              (one.trace == 0 ? "" : ", trace " + inspect_command::trace_text(one.trace)));
  if (!look.errors.empty()) page.title("Its latest errors");
  for (const PastError& one : look.errors)
    page.line(padded(time_text_ms(one.ago_ms) + " ago", 14) + one.code + ": " + one.text, Style::bad);
}

/// Marks the current state: later states are compared with it. The second call ends that.
void mark(Model& model) {
  if (model.mark) {
    model.mark.reset();
    return model.say("the comparison has ended");
  }
  const NodeData& data = model.shown();
  if (!data.look) return model.say("there is no state to compare with yet", Style::warn);
  const std::string name = data.status ? data.status->name : data.name;
  model.mark = {name + (model.time ? " at event " + std::to_string(model.time->event) : " as it was"), *data.look};
  model.say("later states, and other nodes, are compared with " + model.mark->where + "; d ends that", Style::marked);
}

}  // namespace

Content one_actor(const Model& model) {
  Page page;
  const NodeData& data = model.shown();
  const std::string& path = model.place().subject;
  if (!data.look || data.look->row.path != path) {
    const bool failed = !data.look_error.empty();
    page.line(failed ? data.look_error : "requesting it …", failed ? Style::bad : Style::dim);
    return page.done(path);
  }
  const Look& look = *data.look;
  const auto before = model.looked_before.find(std::to_string(model.node) + path);
  show_work(page, look);
  const bool marked = model.mark && model.mark->look.row.path == path;
  show_state(page, look,
             marked                                ? &model.mark->look
             : before == model.looked_before.end() ? nullptr
                                                   : &before->second,
             marked);
  show_waits(page, look);
  show_family(page, look);
  show_past(page, look);
  return page.done(path + "  " + look.row.kind +
                   (look.incarnation > 1 ? ", incarnation " + std::to_string(look.incarnation) : "") +
                   (marked ? "; * and - differ from " + model.mark->where : ""));
}

void one_actor_enter(Model& model, const Content::Row& row) {
  if (row.key.starts_with('/')) model.open("actor", row.key);
}

bool one_actor_key(Model& model, const std::string& key, const Content::Row*) {
  const std::string path = model.place().subject;
  if (key == "m") {
    const Content::Row row{.key = path};
    return actors_key(model, key, &row);
  }
  if (key == "d") return mark(model), true;
  const bool paused = model.shown().look && model.shown().look->row.state == "paused";
  if (key == "p") return model.order(paused ? Order::What::resume : Order::What::pause, path), true;
  if (key == "r") return model.order(Order::What::restart, path), true;
  if (key == "K") return model.order(Order::What::kill, path), true;
  return false;
}

}  // namespace troupe::apps::screens
