// troupe inspect --once PATH
#include <map>

#include "apps/cli/copy_same.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/inspect/inspect.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/decode.hpp"

namespace troupe::apps::inspect_command {
namespace {

using Looked = inspect::wire::Looked::Reader;
using Portrait = runtime::wire::Portrait::Reader;

constexpr std::size_t kStateBytesMax = 16 * 1024;  // our choice: several screens

/// Names for CAF's numbers, as the node sent them.
class Names {
 public:
  explicit Names(Looked looked) {
    for (const auto name : looked.getNames()) names_.emplace(name.getId(), name.getText());
  }
  std::string of(std::uint64_t id) const {
    const auto found = names_.find(id);
    return found != names_.end() ? found->second : id == 0 ? "none" : "#" + std::to_string(id);
  }

 private:
  std::map<std::uint64_t, std::string> names_;
};

/// Returns the actor's state snapshot as text, or nullopt if it shows none.
std::optional<std::string> state_of(Looked looked) {
  const Portrait seen = looked.getPortrait();
  if (seen.getStateKind() == 0) return std::nullopt;
  observe::Decoder decoder;
  for (const auto schema : looked.getSchemas())
    (void)decoder.learn({schema.begin(), schema.size()});  // the line shows the error
  return decoder.line(seen.getStateKind(), {seen.getState().begin(), seen.getState().size()}, kStateBytesMax);
}

std::string code_of(std::uint16_t code) { return std::string(base::name(base::code_of(code))); }

void print_json(std::ostream& out, Looked looked) {
  JsonLine<output::wire::InspectedOne> line;
  auto& root = *line;
  const Names names(looked);
  copy_same(looked, root);
  const Portrait seen = looked.getPortrait();
  copy_same(seen, root);
  copy_same(looked.getRow(), root.initActor());
  // Each list is read once: reading the same pointer for each row would exceed the reader's traversal limit.
  auto asks = root.getAsks();
  const auto seen_asks = seen.getAsks();
  for (unsigned i = 0; i < asks.size(); ++i) {
    const auto from = seen_asks[i];
    asks[i].setTo(names.of(from.getTo()));
    if (from.getDueMs() >= 0) asks[i].getDueMs().setValue(static_cast<std::uint64_t>(from.getDueMs()));
  }
  const auto names_into = [&](auto ids, auto list) {
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, names.of(ids[i]));
  };
  const auto watching = seen.getWatching(), watchers = seen.getWatchers();
  names_into(watching, root.initWatching(watching.size()));
  names_into(watchers, root.initWatchers(watchers.size()));
  auto messages = root.getMessages();
  const auto seen_messages = seen.getMessages();
  for (unsigned i = 0; i < messages.size(); ++i) {
    const auto from = seen_messages[i];
    messages[i].setFrom(names.of(from.getFrom()));
    if (from.getTrace() != 0) messages[i].setTrace(trace_text(from.getTrace()));
  }
  auto errors = root.getErrors();
  const auto seen_errors = seen.getErrors();
  for (unsigned i = 0; i < errors.size(); ++i) errors[i].setCode(code_of(seen_errors[i].getCode()));
  if (const auto state = state_of(looked)) {
    root.setStateKind(looked.getStateName());
    root.setState(*state);
  }
  line.print(out);
}

class Lines {
 public:
  explicit Lines(std::ostream& out) : out_(out) {}
  /// Adds a title with a line; later lines of the same title are placed below it.
  void add(const char* title, const std::string& line) { add_plain(title, base::printable(line)); }
  /// Adds a line that is already escaped: a second escape would double its backslashes.
  void add_plain(const char* title, const std::string& line) {
    out_ << "  " << title << std::string(12 - std::string_view(title).size(), ' ') << line << '\n';
  }

 private:
  std::ostream& out_;
};

std::string waiting_text(inspect::wire::ActorRow::Reader row) {
  if (row.getMailbox() == 0) return "empty";
  std::string out =
      std::to_string(row.getMailbox()) + " waiting, the oldest for " + milliseconds(row.getOldestMs()) + " or more";
  if (row.getHeadKind().size() > 0) out += ": " + text(row.getHeadKind());
  if (row.getHeadFrom().size() > 0) out += " from " + text(row.getHeadFrom());
  return out;
}

void print_portrait(Lines& lines, Looked looked) {
  const Portrait seen = looked.getPortrait();
  const Names names(looked);
  if (seen.getTimed() > 0)
    lines.add("handlers", "half within " + microseconds(seen.getP50Us()) + ", 90 % within " +
                              microseconds(seen.getP90Us()) + ", 99 % within " + microseconds(seen.getP99Us()) +
                              " (of " + std::to_string(seen.getTimed()) + " in " + milliseconds(seen.getKeptForMs()) +
                              ")");
  lines.add("parent", seen.getParent().size() > 0 ? text(seen.getParent()) : "none");
  lines.add("children", std::to_string(seen.getChildrenInAll()));
  for (const auto child : seen.getChildren()) lines.add("", text(child));
  lines.add("watchers", std::to_string(seen.getWatchersInAll()));
  for (const auto one : seen.getWatchers()) lines.add("", names.of(one));
  lines.add("watches", std::to_string(seen.getWatching().size()));
  for (const auto one : seen.getWatching()) lines.add("", names.of(one));
  lines.add("asks", std::to_string(seen.getAsksInAll()));
  for (const auto ask : seen.getAsks())
    lines.add("", (ask.getKind().size() > 0 ? text(ask.getKind()) : std::string("a stream")) + " of " +
                      names.of(ask.getTo()) + ", for " + milliseconds(ask.getSinceMs()) +
                      (ask.getDueMs() < 0 ? std::string()
                                          : ", due in " + milliseconds(static_cast<std::uint64_t>(ask.getDueMs()))));
  lines.add("timers", std::to_string(seen.getTimers().size()));
  for (const auto timer : seen.getTimers())
    lines.add("", text(timer.getName()) + " in " +
                      milliseconds(static_cast<std::uint64_t>(std::max<std::int64_t>(timer.getDueMs(), 0))));
  lines.add("streams", std::to_string(seen.getStreams()) + " served, " + std::to_string(seen.getStreamsStarved()) +
                           " without credit");
  lines.add("messages", seen.getKeptForMs() == 0         ? "not kept: the buffer is full"
                        : seen.getMessages().size() == 0 ? "none within " + milliseconds(seen.getKeptForMs()) +
                                                               "; collecting from now on, look again"
                                                         : "of the last " + milliseconds(seen.getKeptForMs()));
  for (const auto message : seen.getMessages())
    lines.add("", text(message.getKind()) + " from " + names.of(message.getFrom()) + ", " +
                      milliseconds(message.getAgoMs()) + " ago, took " + microseconds(message.getTookUs()) + ", " +
                      bytes_for_people(message.getBytes()) +
                      (message.getTrace() != 0 ? ", trace " + trace_text(message.getTrace()) : ""));
  for (const auto error : seen.getErrors())
    lines.add("error",
              milliseconds(error.getAgoMs()) + " ago: " + code_of(error.getCode()) + ": " + text(error.getText()));
  if (const auto state = state_of(looked))
    lines.add_plain("state", base::printable(text(looked.getStateName())) + "  " + *state);
}

void print_text(std::ostream& out, Looked looked) {
  const auto row = looked.getRow();
  out << base::printable(text(row.getPath())) << "  " << base::printable(text(row.getKind())) << ", "
      << base::printable(text(row.getState())) << '\n';
  Lines lines(out);
  lines.add("mailbox", waiting_text(row));
  lines.add("handled", std::to_string(row.getHandled()) + "; a second " + fixed(row.getPerSecond(), 1) + " now, " +
                           fixed(row.getPerSecondMinute(), 1) + " over a minute");
  lines.add("busy", percent(row.getBusy()) + " now, " + percent(row.getBusyMinute()) + " over a minute");
  lines.add("restarts", std::to_string(row.getRestarts()) +
                            (row.getLastError().size() > 0 ? ", last error: " + text(row.getLastError()) : ""));
  if (row.getRefused() + row.getDeadLetters() > 0)
    lines.add("lost", std::to_string(row.getRefused()) + " times its mailbox was full, " +
                          std::to_string(row.getDeadLetters()) + " dead letters");
  if (looked.getSilent().size() == 0) return print_portrait(lines, looked);
  lines.add("silent", text(looked.getSilent()));
  if (looked.getHandlingMs() > 0)
    lines.add("",
              "for " + milliseconds(looked.getHandlingMs()) + " or more in " +
                  (looked.getHandling().size() > 0 ? text(looked.getHandling()) : "a timer or an event of a stream"));
}

}  // namespace

Ending look_at(const Invocation& invocation, Console& console, const std::string& path) {
  return ask_and_print<inspect::wire::LookAt, inspect::wire::Looked>(
      invocation, console, kInspect, kTimeout, [&](inspect::wire::LookAt::Builder question) { question.setPath(path); },
      [&](Looked looked) { print_json(console.out, looked); }, [&](Looked looked) { print_text(console.out, looked); });
}

}  // namespace troupe::apps::inspect_command
