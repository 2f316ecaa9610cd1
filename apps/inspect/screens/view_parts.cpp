#include "apps/inspect/screens/view_parts.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "apps/cli/terminal.hpp"
#include "apps/inspect/inspect.hpp"

namespace troupe::apps::screens {
namespace {

constexpr std::size_t kIdShown = 8;
constexpr std::array<std::string_view, 8> kLevels{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

constexpr Advice kFullDevice{"The device is full or fails.",
                             "free space; deleting files with `troupe file rm` works on a full device"};
constexpr Advice kDamage{"Bytes on the disk are damaged; the warning names the file.",
                         "`troupe file verify` repairs this node's own objects; check the disk"};
constexpr struct {
  std::string_view source;
  Advice advice;
} kAdvice[] = {
    {"growing-mailbox",
     {"An actor receives messages faster than it handles them, and its mailbox grows.",
      ":actors sorted by mailbox; p99 shows whether the actor is slow, m shows which actors send to it"}},
    {"old-message",
     {"A message has waited for a second or more.", ":actors sorted by oldestMs; enter shows what it is handling"}},
    {"slow-handler",
     {"A handler has run for 100 ms or more: it blocks its actor, and a thread.",
      "the actor is `stuck` in :actors; enter shows its current message"}},
    {"never-idle",
     {"An actor has used nearly a whole core for 30 seconds.",
      ":actors sorted by busy; tab in :tree shows which actors send to it"}},
    {"restart-storm",
     {"An actor was restarted three times within 30 seconds.",
      "enter on it shows its last errors; :dead shows its children"}},
    {"dead-letters",
     {"Messages reach no actor: expired, unknown, malformed or refused.", ":logs, and :actors sorted by restarts"}},
    {"no-credit",
     {"A stream has waited for its reader for 5 seconds.", ":links shows whether the other node still reads"}},
    {"ask-cycle",
     {"Actors wait for each other in a cycle, and none can continue.",
      "the warning names the actors; restarting one of them ends the cycle"}},
    {"late-timer",
     {"Timers run late: threads are busy, or the machine is.", ":actors sorted by busy; then the machine's load"}},
    {"clock-step",
     {"The clock of this machine was stepped.", "expiry of records depends on the date; check its time service"}},
    {"slow-sync",
     {"The disk takes long to make writes durable.", "the machine's I/O; `troupe status` names the store that waits"}},
    {"flapping-link",
     {"A link to one node ends and is restored repeatedly.",
      ":peers shows it; the log of the other node says why it ends"}},
    {"budget-full",
     {"Untrusted nodes use their whole quota of a resource; further requests are refused.",
      "the warning names the resource and the group; `troupe peers drop` or the setting named in "
      "runtime/net/README.md"}},
    {"store", kFullDevice},
    {"files.store", kFullDevice},
    {"store.damage", kDamage},
    {"files.store.damage", kDamage},
    {"peers", {"Too few nodes are linked.", ":peers; `troupe peers connect` links one"}},
    {"links",
     {"The node cannot listen on its address.",
      "`troupe config show` for `listen`; another process may have the port"}},
};

}  // namespace

Advice advice_for(std::string_view source) {
  const auto found = std::ranges::find(kAdvice, source, [](const auto& one) { return one.source; });
  if (found != std::end(kAdvice)) return found->advice;
  return {"A part of the node reports a problem.", ":logs, and enter on its actor"};
}

std::string short_node(const std::string& id) {
  const bool hex = id.size() == 40 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
  return hex ? id.substr(0, kIdShown) + "…" : id;
}

std::string short_id(const std::string& id) {
  return id.empty() ? "-" : id.size() <= kIdShown ? id : id.substr(0, kIdShown) + "…";
}

std::string count_text(std::uint64_t count) {
  if (count < 10'000) return std::to_string(count);
  if (count < 1'000'000) return std::to_string(count / 1'000) + "k";
  if (count < 10'000'000) return fixed(static_cast<double>(count) / 1e6, 1) + "M";
  return std::to_string(count / 1'000'000) + "M";
}

std::string rate_text(double per_second) {
  if (per_second <= 0) return "0";
  return per_second < 10 ? fixed(per_second, 1) : count_text(static_cast<std::uint64_t>(std::llround(per_second)));
}

std::string time_text_ms(std::uint64_t ms) { return inspect_command::milliseconds(ms); }
std::string time_text_us(std::uint64_t us) { return us == 0 ? "-" : inspect_command::microseconds(us); }

std::string sparkline(const std::deque<double>& values, std::size_t length) {
  std::string out;
  const double most = values.empty() ? 0 : *std::ranges::max_element(values);
  for (std::size_t i = values.size() - std::min(values.size(), length); i < values.size(); ++i) {
    const double share = most > 0 ? values[i] / most : 0;
    out += kLevels[std::min(static_cast<std::size_t>(share * 7.999), kLevels.size() - 1)];
  }
  return out;
}

std::string bar(double share, std::size_t length) {
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(length) + 0.5);
  std::string out;
  for (std::size_t i = 0; i < full; ++i) out += "█";
  return out;
}

std::string padded(std::string text, std::size_t columns) {
  const auto used = static_cast<std::size_t>(width(text));
  return used >= columns ? text : text + std::string(columns - used, ' ');
}

bool is_own(const ActorRow& row) { return row.path == "/inspect" || row.path.starts_with("/operator"); }

Content::Row text_row(std::string text, Style style) { return {.cells = {std::move(text)}, .style = style}; }

/// Splits at blanks outside of quotes and braces; the contents of braces get their own lines.
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> out;
  std::string now;
  std::size_t depth = 0;
  bool quoted = false;
  const auto flush = [&] {
    if (!now.empty()) out.push_back(std::string(2 * depth, ' ') + now);
    now.clear();
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      now += c;
      if (c == '\\' && i + 1 < line.size()) now += line[++i];
      else if (c == '"') quoted = false;
    } else if (c == '"') {
      now += c;
      quoted = true;
    } else if (c == '(') {  // "(33 B)" after bytes
      const auto end = std::min(line.find(')', i), line.size() - 1);
      now += ' ' + line.substr(i, end - i + 1);
      i = end;
    } else if (c == ' ') {
      if (i + 1 >= line.size() || line[i + 1] != '(') flush();
    } else if (c == '{' || c == '[') {
      now += c;
      const char close = c == '{' ? '}' : ']';
      if (i + 1 < line.size() && line[i + 1] == close) continue;
      flush();
      depth = std::min<std::size_t>(depth + 1, 16);
    } else if (c == '}' || c == ']') {
      if (!now.empty() && (now.back() == '{' || now.back() == '[')) {
        now += c;
        continue;
      }
      flush();
      if (depth > 0) --depth;
      now += c;
    } else {
      now += c;
    }
  }
  flush();
  return out;
}

}  // namespace troupe::apps::screens
