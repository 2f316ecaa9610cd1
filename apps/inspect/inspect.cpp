// troupe inspect --once
#include "apps/inspect/inspect.hpp"

#include <array>
#include <cstdio>

#include "apps/cli/client.hpp"
#include "apps/cli/copy_same.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/inspect/screens/run.hpp"
#include "apps/inspect/screens/run_time.hpp"
#include "apps/sim/capture.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/date.hpp"
#include "runtime/observe/logic/filter.hpp"

namespace troupe::apps {
namespace inspect_command {
namespace {

using Row = inspect::wire::ActorRow::Reader;

std::string or_dash(capnp::Text::Reader text) {
  return text.size() == 0 ? "-" : std::string(text.begin(), text.size());
}

/// Both are checked before the node is asked: an invalid word is the caller's mistake, whatever the node is.
std::optional<Failure> mistake_in(const Invocation& invocation) {
  if (const auto filter = invocation.text("--filter")) {
    const auto parsed = observe::Filter::parse(*filter);
    if (!parsed.ok()) return usage_failure(observe::told("the filter", *filter, parsed.error()), "troupe help inspect");
  }
  if (const auto top = invocation.text("--top"); top && observe::find_field(*top) == nullptr)
    return usage_failure("there is no column \"" + *top + "\"; columns: " + observe::field_names(),
                         "troupe inspect --once --top " + std::string(observe::nearest_field(*top)));
  return std::nullopt;
}

void print_json(std::ostream& out, inspect::wire::ActorRows::Reader screen) {
  JsonLine<output::wire::Inspection> line;
  copy_same(screen, *line);
  line->setTookMs(static_cast<double>(screen.getTookUs()) / 1'000);
  line.print(out);
}

void print_text(Console& console, inspect::wire::ActorRows::Reader screen) {
  TextTable table({{"PATH"},
                   {"KIND"},
                   {"STATE"},
                   {"MAILBOX", Align::right},
                   {"OLDEST", Align::right},
                   {"HANDLED", Align::right},
                   {"PER SECOND", Align::right},
                   {"BUSY", Align::right},
                   {"P99", Align::right},
                   {"RESTARTS", Align::right},
                   {"ASKING", Align::right},
                   {"LAST ERROR"}});
  for (const Row row : screen.getActors())
    table.add({row.getPath(), row.getKind(), row.getState(), std::to_string(row.getMailbox()),
               row.getMailbox() == 0 ? "-" : milliseconds(row.getOldestMs()), std::to_string(row.getHandled()),
               fixed(row.getPerSecond(), 1), percent(row.getBusy()),
               row.getP99Us() == 0 ? "-" : microseconds(row.getP99Us()), std::to_string(row.getRestarts()),
               std::to_string(row.getAsking()), or_dash(row.getLastError())});
  table.print(console.out);
  for (const auto warning : screen.getWarnings())
    console.err << "warning: " << base::printable({warning.begin(), warning.size()}) << '\n';
  if (screen.getMatched() > screen.getActors().size())
    console.err << screen.getMatched() - screen.getActors().size()
                << " more are not shown: --limit N shows more, --filter and --top select\n";
}

Ending list(const Invocation& invocation, Console& console) {
  if (auto mistake = mistake_in(invocation)) return std::move(*mistake);
  return ask_and_print<inspect::wire::ListActors, inspect::wire::ActorRows>(
      invocation, console, kInspect, kTimeout,
      [&](inspect::wire::ListActors::Builder question) {
        question.setFilter(invocation.text("--filter").value_or(""));
        question.setTop(invocation.text("--top").value_or(""));
        question.setLimit(static_cast<std::uint32_t>(invocation.number("--limit").value_or(0)));
      },
      [&](inspect::wire::ActorRows::Reader screen) { print_json(console.out, screen); },
      [&](inspect::wire::ActorRows::Reader screen) { print_text(console, screen); });
}

void print_ended_json(std::ostream& out, inspect::wire::EndedRows::Reader ended) {
  JsonLine<output::wire::InspectedEnds> line;
  copy_same(ended, *line);
  line.print(out);
}

void print_ended_text(std::ostream& out, inspect::wire::EndedRows::Reader ended) {
  TextTable table({{"PATH"},
                   {"KIND"},
                   {"ENDED", Align::right},
                   {"DECISION"},
                   {"HANDLED", Align::right},
                   {"RESTARTS", Align::right},
                   {"LAST MESSAGE"},
                   {"WHY"}});
  for (const auto row : ended.getEnded()) {
    std::string why(row.getWhy());
    if (row.getCode().size() > 0) why = std::string(row.getCode()) + ": " + why;
    table.add({row.getPath(), row.getKind(), milliseconds(row.getAgoMs()) + " ago", row.getDecision(),
               std::to_string(row.getHandled()), std::to_string(row.getRestarts()), or_dash(row.getLastMessage()),
               why.empty() ? "-" : why});
  }
  table.print(out);
}

Ending list_ended(const Invocation& invocation, Console& console) {
  if (invocation.has("--top"))
    return usage_failure("ended actors are listed latest first; --top works only for running actors", "");
  if (auto mistake = mistake_in(invocation)) return std::move(*mistake);
  return ask_and_print<inspect::wire::ListEnded, inspect::wire::EndedRows>(
      invocation, console, kInspect, kTimeout,
      [&](inspect::wire::ListEnded::Builder question) {
        question.setFilter(invocation.text("--filter").value_or(""));
        question.setLimit(static_cast<std::uint32_t>(invocation.number("--limit").value_or(0)));
      },
      [&](inspect::wire::EndedRows::Reader ended) { print_ended_json(console.out, ended); },
      [&](inspect::wire::EndedRows::Reader ended) { print_ended_text(console.out, ended); });
}

Ending open_screens(const Invocation& invocation, Console& console) {
  for (const char* option : {"--filter", "--top", "--limit", "--ended"})
    if (invocation.has(option))
      return usage_failure(std::string(option) + " needs --once; on the screens / filters, and left and right sort",
                           "troupe inspect --once " + std::string(option));
  if (invocation.globals.json)
    return usage_failure("the screens are for people: add --once to print JSON", "troupe inspect --once --json");
  return screens::run(invocation, console);
}

Ending inspect(const Invocation& invocation, Console& console) {
  if (const auto file = invocation.text("PATH"); file && file->ends_with(".trace") && !invocation.has("--once")) {
    auto recorded = read_trace(*file, all_workloads());
    if (!recorded.ok()) return recorded.error();
    return screens::run_time(console, std::move(recorded).value(), all_workloads(), "");
  }
  if (const auto file = invocation.text("PATH"); file && file->ends_with(".capture") && !invocation.has("--once")) {
    auto capture = read_capture(*file, all_workloads());
    if (!capture.ok()) return capture.error();
    const Capture& at = capture.value();
    return screens::run_time(console, at.recorded(), all_workloads(), "",
                             {.event = at.event, .node = at.node, .actor = at.actor});
  }
  if (!invocation.has("--once")) return open_screens(invocation, console);
  for (const char* option : {"--cluster", "--operate"})
    if (invocation.has(option))
      return usage_failure(std::string(option) + " works only on the screens, not with --once", "troupe help inspect");
  if (!invocation.globals.more_nodes.empty())
    return usage_failure("--once shows one node; use the screens for several nodes", "troupe help inspect");
  const auto path = invocation.text("PATH");
  if (!path) return invocation.has("--ended") ? list_ended(invocation, console) : list(invocation, console);
  for (const char* option : {"--filter", "--top", "--limit", "--ended"})
    if (invocation.has(option))
      return usage_failure(std::string(option) + " works for lists, not for one actor",
                           "troupe inspect --once " + *path);
  if (path->ends_with(".trace") || path->ends_with(".capture"))
    return usage_failure("a recorded run needs the screens, not --once; `sim replay` prints its actors",
                         "troupe sim replay " + shell_word(*path));
  if (!path->starts_with('/'))
    return usage_failure("a path begins with /; to list the actors of a kind use --filter kind=" + *path,
                         "troupe inspect --once --filter " + shell_word("kind=" + *path));
  if (path->find_first_of("*?[") != std::string::npos)
    return usage_failure("PATH names one actor; give a pattern with --filter",
                         "troupe inspect --once --filter " + shell_word(*path));
  return look_at(invocation, console, *path);
}

}  // namespace

std::string milliseconds(std::uint64_t ms) {
  if (ms < 1'000) return std::to_string(ms) + " ms";
  const std::uint64_t s = ms / 1'000;
  if (ms < 9'950) return fixed(static_cast<double>(ms) / 1'000, 1) + " s";
  if (s < 120) return std::to_string(s) + " s";
  return s < 7'200     ? std::to_string(s / 60) + " min"
         : s < 172'800 ? std::to_string(s / 3'600) + " h"
                       : std::to_string(s / 86'400) + " d";
}

std::string microseconds(std::uint64_t us) {
  if (us < 1'000) return std::to_string(us) + " us";
  return us < 9'950 ? fixed(static_cast<double>(us) / 1'000, 1) + " ms" : milliseconds(us / 1'000);
}

std::string percent(double share) { return fixed(share * 100, 1) + " %"; }

std::string time_of(std::uint64_t unix_ms) {
  constexpr std::uint64_t kMax = 8'589'934'592'000;  // in 2242: WallTime ends in 2262
  return observe::date_text(base::WallTime(std::chrono::milliseconds(std::min(unix_ms, kMax))));
}

std::string trace_text(std::uint64_t trace) {
  std::array<char, 17> out{};
  std::snprintf(out.data(), out.size(), "%016llx", static_cast<unsigned long long>(trace));
  return out.data();
}

const char* const kColumns = R"(
columns, for --filter and --top; the headings of the list are accepted as well
  path, kind, state         texts, case-sensitive: = != and ~ for a regular expression
  lastError                 a text too: the code of its last failure, such as timeout; "" if none
  mailbox                   waiting messages; this and all below: = != < <= > >=
  oldestMs                  how long the oldest of them has waited: in ms, or 1.5s, 2m
  handled                   messages since the actor started
  perSecond                 messages per second, over about the last second; also rate
  busy                      share of the time in its handlers: 0.5, or 50%
  p99Us                     time within which 99 of 100 handlers end: in us, or 10ms
  restarts                  number of restarts
  asking                    its own requests that wait for a response

filters
  conditions separated by blanks, all of which must hold; `not` before a condition inverts it
  /files/**                 a path: * matches within one part, ** any number of parts
  /regex/                   a regular expression, matched anywhere in the path
  ~store                    a word, found anywhere in the path or the kind
)";

}  // namespace inspect_command

Commands inspect_commands() {
  return {
      {.name = "inspect",
       .summary = "Show nodes and their actors on interactive screens, or once",
       .options = {{.name = "--once", .help = "print the current actors once, instead of the screens"},
                   {.name = "--cluster", .help = "also show all nodes that this node is linked with on the screens"},
                   {.name = "--operate",
                    .help = "allow actions on the screens: pause, restart, kill, drain, log level"},
                   {.name = "--filter",
                    .value = "FILTER",
                    .help = "show only the actors that match: kind=peer mailbox>10 not /files/** lastError~timeout"},
                   {.name = "--top",
                    .value = "COLUMN",
                    .help = "sort by COLUMN, largest first (default by path)",
                    .suggestions = observe::field_list()},
                   number_option("--limit", "N", "print at most N rows (default 1000)", 1, 10'000),
                   {.name = "--ended", .help = "list ended actors, latest first"}},
       .positionals = {{.name = "PATH",
                        .help = "actor to show in full, such as /files; or FILE.trace, FILE.capture: a recorded run",
                        .arity = Arity::maybe}},
       .needs = Needs::view,
       .several_nodes = true,
       .notes = std::string(inspect_command::kColumns) + R"(
screens
  ? shows the keys; : opens a view by name, / filters, enter opens a row, esc goes back, q quits

examples
  troupe inspect
  troupe inspect --cluster
  troupe inspect --once --top mailbox --limit 20
  troupe inspect --once --filter 'kind=peer mailbox>10'
  troupe inspect --once --filter 'busy>50% not /files/**'
  troupe inspect --once --filter 'oldest>1.5s lastError~timeout'
  troupe inspect --once --filter '/peer/** asking>0' --json
)",
       .run = inspect_command::inspect}};
}

}  // namespace troupe::apps
