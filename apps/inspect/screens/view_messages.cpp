// Messages: a list, one message with its fields, the flows between actors, and one request across actors and nodes.
#include <algorithm>
#include <map>

#include "apps/cli/command.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/inspect/inspect.hpp"
#include "apps/inspect/screens/view_parts.hpp"

namespace troupe::apps::screens {
namespace {

using inspect_command::trace_text;

constexpr std::size_t kBytesALine = 16;

std::string clock_text(std::uint64_t unix_ms) {
  const auto in_day = unix_ms % 86'400'000;
  char out[32];
  std::snprintf(out, sizeof out, "%02u:%02u:%02u.%03u", static_cast<unsigned>(in_day / 3'600'000),
                static_cast<unsigned>(in_day / 60'000 % 60), static_cast<unsigned>(in_day / 1'000 % 60),
                static_cast<unsigned>(in_day % 1'000));
  return out;
}

const Message* find(const Model& model, const std::string& key) {
  return key.empty() ? nullptr : model.message(std::strtoull(key.c_str(), nullptr, 10));
}

/// Returns the message in whose handler this message was sent, or null if it is not kept.
const Message* cause_of(const Model& model, const Message& message) {
  if (message.trace == 0 || message.span == 0) return nullptr;
  for (const Message& one : model.messages)
    if (one.trace == message.trace && one.handler == message.span && one.way == "in") return &one;
  return nullptr;
}

std::string what_of(const Message& message) {
  return message.form == "message" ? message.kind : message.kind + " (" + message.form + ")";
}

bool go_to_cause(Model& model, const Message& message) {
  const Message* cause = cause_of(model, message);
  if (cause == nullptr) {
    model.say(message.trace == 0 ? "the message belongs to no trace, so its cause is not known"
                                 : "its cause is not among these messages: it came from outside, or was dropped",
              Style::warn);
    return true;
  }
  model.open("message", std::to_string(cause->number));
  return true;
}

std::string dropped_text(const Model& model) {
  return model.messages_dropped == 0 ? ""
                                     : "; " + std::to_string(model.messages_dropped) + " more were dropped: too many";
}

/// Adds its bytes, sixteen per line, as numbers and as text.
void add_bytes(Content& out, const Message& message) {
  for (std::size_t at = 0; at < message.words.size(); at += kBytesALine) {
    char offset[24];  // at most 16 digits
    std::snprintf(offset, sizeof offset, "  %06zx  ", at);
    std::string line = offset, plain;
    for (std::size_t i = at; i < at + kBytesALine; ++i) {
      char hex[4] = "   ";
      if (i < message.words.size()) {
        const auto byte = static_cast<unsigned char>(message.words[i]);
        std::snprintf(hex, sizeof hex, "%02x ", byte);
        plain += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
      }
      line += hex;
    }
    out.rows.push_back(text_row(line + " " + plain));
  }
  if (message.words.empty())
    out.rows.push_back(text_row("  the node sends only the bytes of messages up to 64 KiB", Style::dim));
}

void add_fields(Content& out, const Message& message) {
  for (const std::string& field : fields_of(message.text)) out.rows.push_back(text_row("  " + field));
  if (message.text.empty()) out.rows.push_back(text_row("  (all fields have their default values)", Style::dim));
}

void add_effects(Content& out, const Model& model, const Message& message) {
  if (message.handler == 0) return;
  out.rows.push_back(text_row(""));
  out.rows.push_back(text_row("It caused", Style::title));
  for (std::size_t i = 0; i < model.messages.size(); ++i) {
    const Message& one = model.messages[i];
    if (one.trace != message.trace || one.span != message.handler) continue;
    out.rows.push_back(text_row("  " + padded(what_of(one), 32) + one.way + " " + one.path));
    out.rows.back().key = std::to_string(one.number);
  }
}

}  // namespace

Content message_list(const Model& model) {
  Content out;
  out.columns = {{"TIME", false, 9},  {"ACTOR", false, 20},
                 {"WAY", false, 8},   {"OTHER SIDE", false, 7},
                 {"KIND", false, 15}, {"WAITED", true, 6},
                 {"TOOK", true, 6},   {"BYTES", true, 4},
                 {"TRACE", false, 3}, {.title = "MESSAGE", .keep = 2, .flexible = true}};
  for (std::size_t i = model.messages.size(); i-- > 0;) {
    const Message& one = model.messages[i];
    if (one.order != model.place().order) continue;
    out.rows.push_back(
        {.cells = {clock_text(one.unix_ms), one.path, one.way, one.other.empty() ? "-" : short_node(one.other),
                   what_of(one), one.way == "in" ? time_text_us(one.waited_us) : "",
                   one.way == "in" ? time_text_us(one.took_us) : "", std::to_string(one.bytes),
                   one.trace == 0 ? "-" : trace_text(one.trace), one.text},
         .style = one.form == "error" ? Style::warn : Style::plain,
         .key = std::to_string(one.number),
         .copy = "troupe trace " + shell_word(one.path)});
  }
  out.title = std::to_string(out.rows.size()) + " messages of " + model.place().subject + ", latest first" +
              (model.tracing.empty() ? "; the trace has ended" : "; tracing") + dropped_text(model);
  return out;
}

void message_list_enter(Model& model, const Content::Row& row) { model.open("message", row.key); }

bool message_list_key(Model& model, const std::string& key, const Content::Row* row) {
  if (key == "s") return model.trace_again(Order::What::trace), true;
  const Message* message = row == nullptr ? nullptr : find(model, row->key);
  if (message == nullptr) return false;
  if (key == "c") return go_to_cause(model, *message);
  if (key != "f") return false;
  if (message->trace == 0) {
    model.say("the message belongs to no trace", Style::warn);
    return true;
  }
  const std::string trace = trace_text(message->trace);
  model.open("follow", trace);  // with the steps that are already known
  return model.trace_again(Order::What::follow), true;
}

Content one_message(const Model& model) {
  Content out;
  const Message* message = find(model, model.place().subject);
  if (message == nullptr) {
    out.rows.push_back(text_row("the message is no longer kept", Style::dim));
    return out;
  }
  const auto figure = [&](std::string_view name, const std::string& value) {
    out.rows.push_back(text_row("  " + padded(std::string(name), 12) + value));
  };
  figure("at", clock_text(message->unix_ms) + " UTC");
  figure("actor", message->path + (message->way == "in" ? "" : ", " + message->way));
  figure(message->way == "over"  ? "for"
         : message->way == "out" ? "from"
                                 : "from",
         message->other.empty() ? "-" : message->other);
  figure("form", message->form);
  if (message->way == "in")
    figure("waited", time_text_us(message->waited_us) + ", took " + time_text_us(message->took_us));
  figure("bytes", std::to_string(message->bytes));
  if (message->trace != 0)
    figure("trace", trace_text(message->trace) + ", span " + std::to_string(message->span) + ", handler " +
                        std::to_string(message->handler));
  if (const Message* cause = cause_of(model, *message)) {
    auto row = text_row("  " + padded("cause", 12) + what_of(*cause) + " at " + cause->path);
    row.key = std::to_string(cause->number);
    out.rows.push_back(std::move(row));
  }
  out.rows.push_back(text_row(""));
  if (model.raw) add_bytes(out, *message);
  else add_fields(out, *message);
  add_effects(out, model, *message);
  out.title = what_of(*message);
  return out;
}

bool one_message_key(Model& model, const std::string& key, const Content::Row* row) {
  const Message* message = find(model, model.place().subject);
  if (message == nullptr) return false;
  if (key == "x") return model.raw = !model.raw, true;
  if (key == "c") return go_to_cause(model, *message);
  if (key == "e" && row != nullptr && !row->key.empty()) return model.open("message", row->key), true;
  return false;
}

Content flows(const Model& model) {
  std::map<std::pair<std::string, std::string>, std::pair<std::uint64_t, std::uint64_t>> edges;
  for (const Message& one : model.messages) {
    if (one.order != model.place().order || one.way != "in" || one.form == "answer") continue;
    auto& edge = edges[{one.other.empty() ? "-" : one.other, one.path}];
    ++edge.first;
    edge.second += one.bytes;
  }
  Content out;
  out.columns = {{"FROM", false, 10}, {"TO", false, 10}, {"MESSAGES", true, 9}, {"BYTES", true, 5}, {"", false, 1}};
  std::uint64_t most = 1;
  for (const auto& [ends, counts] : edges) most = std::max(most, counts.first);
  for (const auto& [ends, counts] : edges)
    out.rows.push_back(
        {.cells = {short_node(ends.first), ends.second, std::to_string(counts.first), bytes_for_people(counts.second),
                   bar(static_cast<double>(counts.first) / static_cast<double>(most), 20)},
         .key = ends.second});
  std::ranges::stable_sort(out.rows, [](const Content::Row& a, const Content::Row& b) {
    return std::stoull(a.cells[2]) > std::stoull(b.cells[2]);
  });
  out.title = "one-second sample of " + model.place().subject + (model.tracing.empty() ? "" : ", in progress") +
              dropped_text(model);
  return out;
}

bool flows_key(Model& model, const std::string& key, const Content::Row*) {
  if (key != "s") return false;
  model.messages.clear();
  model.messages_dropped = 0;
  return model.trace_again(Order::What::flows), true;
}

/// Returns the steps of one trace in the order of their times, each below its cause; the chain of steps that ended last
/// is the longest path.
Content follow(const Model& model) {
  Content out;
  const auto trace = parse_trace(model.place().subject).value_or(0);
  std::vector<std::size_t> steps;
  for (std::size_t i = 0; i < model.messages.size(); ++i)
    if (model.messages[i].trace == trace && model.messages[i].way == "in") steps.push_back(i);
  std::ranges::stable_sort(steps, {}, [&](std::size_t i) {
    return std::tuple(model.messages[i].unix_ms, model.messages[i].node, model.messages[i].at_us);
  });
  std::map<std::uint32_t, std::size_t> by_handler;  // step of each handler
  for (const std::size_t i : steps)
    if (model.messages[i].handler != 0) by_handler.emplace(model.messages[i].handler, i);
  const auto parent = [&](std::size_t i) -> std::optional<std::size_t> {
    const auto found = by_handler.find(model.messages[i].span);
    return found == by_handler.end() || found->second == i ? std::nullopt : std::optional(found->second);
  };
  std::set<std::size_t> longest;
  if (!steps.empty())
    for (std::optional<std::size_t> i = steps.back(); i && longest.insert(*i).second;) i = parent(*i);
  out.columns = {{"TIME", false, 8},  {"NODE", false, 9}, {"ACTOR", false, 20},
                 {"KIND", false, 15}, {"FROM", false, 5}, {"WAITED", true, 12},
                 {"TOOK", true, 12},  {"BYTES", true, 3}, {"", false, 18}};
  for (const std::size_t i : steps) {
    const Message& one = model.messages[i];
    std::size_t depth = 0;
    for (auto up = parent(i); up && depth < 16; up = parent(*up)) ++depth;
    const auto& status = model.nodes[std::min(one.node, model.nodes.size() - 1)].status;
    out.rows.push_back(
        {.cells = {clock_text(one.unix_ms), status ? status->name : std::to_string(one.node + 1),
                   std::string(depth, ' ') + (depth > 0 ? "└" : "") + one.path, what_of(one),
                   one.other.empty() ? "-" : short_node(one.other), time_text_us(one.waited_us),
                   time_text_us(one.took_us), std::to_string(one.bytes), longest.contains(i) ? "◀ longest path" : ""},
         .style = one.form == "error"   ? Style::bad
                  : longest.contains(i) ? Style::marked
                                        : Style::plain,
         .key = std::to_string(one.number)});
  }
  const auto lost = std::ranges::count_if(model.nodes, [](const NodeData& one) { return one.lost.has_value(); });
  const std::string all = std::to_string(model.nodes.size());
  out.title = "trace " + model.place().subject + ": " + std::to_string(steps.size()) + " steps" +
              (model.tracing.empty() ? ""
               : lost == 0           ? ", listening at " + all + " nodes"
                                     : ", without " + std::to_string(lost) + " lost nodes of " + all) +
              dropped_text(model);
  return out;
}

void follow_enter(Model& model, const Content::Row& row) { model.open("message", row.key); }

}  // namespace troupe::apps::screens
