// troupe trace PATTERN
#include "apps/cli/copy_same.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/inspect/inspect.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/date.hpp"
#include "runtime/observe/decode.hpp"
#include "runtime/observe/logic/filter.hpp"

namespace troupe::apps {
namespace {

using inspect_command::kInspect;
constexpr std::size_t kTextBytesMax = 400;  // our choice: two lines of a wide terminal
constexpr std::size_t kJsonTextBytesMax = 16 * 1024;
constexpr std::chrono::minutes kIdle{5};  // the node sends something every minute
constexpr std::uint64_t kMillisecondsMax = 86'400'000;

using Message = inspect::wire::FollowedMessage::Reader;

class Printer {
 public:
  Printer(Console& console, bool json) : console_(console), json_(json) {}

  Client::Outcome<void> take(inspect::wire::FollowItem::Reader item) {
    switch (item.which()) {
      case inspect::wire::FollowItem::SCHEMAS:
        for (const auto schema : item.getSchemas()) (void)decoder_.learn({schema.begin(), schema.size()});
        break;
      case inspect::wire::FollowItem::MESSAGE: print(item.getMessage()); break;
      case inspect::wire::FollowItem::ENDED:
        ended(item.getEnded().getWhy(), item.getEnded().getMessages(), item.getEnded().getDropped());
        break;
      case inspect::wire::FollowItem::NOTHING: break;
    }
    messages_ += item.isMessage() ? 1u : 0u;
    console_.out.flush();  // a person sees each message at once
    if (!console_.out) return unwritten(console_, "");
    return {};
  }

  /// The reader has seen enough: a successful end.
  void interrupted() {
    ended("interrupted", messages_, 0);
    console_.out.flush();
  }

 private:
  std::string decoded(Message message, std::size_t bytes_max) const {
    if (message.getKindId() == 0) return {};
    if (message.getWords().size() == 0 && message.getBytes() > 0)
      return "(" + bytes_for_people(message.getBytes()) + ", too large to show)";
    return decoder_.line(message.getKindId(), {message.getWords().begin(), message.getWords().size()}, bytes_max);
  }

  void print(Message message) {
    if (json_) return print_json(message);
    std::string line =
        inspect_command::time_of(message.getUnixMs()).substr(11, 12) + "  " + enumerant_text(message.getWay());
    line.resize(std::max<std::size_t>(line.size(), 18), ' ');
    line += "  " + text(message.getPath());
    if (message.getOther().size() > 0)
      line += (message.getWay() == inspect::wire::FollowedMessage::Way::OVER ? " for " : " from ") +
              text(message.getOther());
    const std::string kind = text(message.getKind());
    line += "  " + (kind.empty() ? enumerant_text(message.getForm()) : kind);
    if (!kind.empty() && message.getForm() != inspect::wire::FollowedMessage::Form::MESSAGE)
      line += " (" + enumerant_text(message.getForm()) + ")";
    if (message.getTrace() != 0) line += "  trace " + inspect_command::trace_text(message.getTrace());
    const std::string fields = decoded(message, kTextBytesMax);
    // The decoder's line is already plain; a second escape would double its backslashes.
    console_.out << base::printable(line) << (fields.empty() ? "" : "  ") << fields << '\n';
  }

  void print_json(Message message) {
    JsonLine<output::wire::TracedMessage> line;
    copy_same(message, *line);
    line->setAt(inspect_command::time_of(message.getUnixMs()));
    line->setWay(enumerant_text(message.getWay()));
    line->setForm(enumerant_text(message.getForm()));
    if (message.getTrace() != 0) line->setTrace(inspect_command::trace_text(message.getTrace()));
    line->setText(decoded(message, kJsonTextBytesMax));
    line.print(console_.out);
  }

  void ended(const std::string& why, std::uint64_t messages, std::uint64_t dropped) {
    if (json_) {
      JsonLine<output::wire::TraceEnded> line;
      line->setSummary(true);
      line->setWhy(why);
      line->setMessages(messages);
      line->setDropped(dropped);
      return line.print(console_.out);
    }
    console_.err << "ended: " << base::printable(why) << "; " << messages << " messages";
    if (dropped > 0) console_.err << ", " << dropped << " more were lost: there were too many";
    console_.err << '\n';
  }

  Console& console_;
  const bool json_;
  observe::Decoder decoder_;
  std::uint64_t messages_ = 0;
};

Ending trace(const Invocation& invocation, Console& console) {
  const std::string pattern = *invocation.text("PATTERN");
  const auto parsed = observe::Filter::parse(pattern);
  if (!parsed.ok()) return usage_failure(observe::told("the pattern", pattern, parsed.error()), "troupe help trace");
  if (parsed.value().means_all() && !invocation.has("--all") && !invocation.has("--id"))
    return usage_failure("that pattern matches every message of the node, possibly a million per second",
                         "troupe trace '" + pattern + "' --all");
  std::optional<std::uint64_t> id;
  if (const auto hex = invocation.text("--id")) {
    id = parse_trace(*hex);
    if (!id)
      return usage_failure("invalid trace: expected up to 16 hexadecimal digits, got \"" + *hex + '"',
                           "troupe help trace");
  }
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  Printer printer(console, invocation.globals.json);
  const auto awaited = client.value()->waits_for("messages of " + pattern);
  const auto ended = client.value()->subscribe<inspect::wire::FollowMessages, inspect::wire::FollowItem>(
      kInspect, kIdle,
      [&](inspect::wire::FollowMessages::Builder question) {
        question.setPattern(pattern);
        question.setAll(invocation.has("--all"));
        question.setCount(invocation.number("--count").value_or(0));
        question.setMilliseconds(invocation.number("--seconds").value_or(0) * 1'000);
        question.setTrace(id.value_or(0));
      },
      [&](inspect::wire::FollowItem::Reader item) { return printer.take(item); });
  if (ended.ok()) return Exit::done;
  if (!client.value()->interrupted() || !ended.error().exit) return ended.error();
  printer.interrupted();
  return *ended.error().exit;
}

}  // namespace

Commands trace_commands() {
  return {
      {.name = "trace",
       .summary = "Print messages as actors handle them, for a limited time",
       .options = {number_option("--count", "N", "stop after N messages (default 100, or no limit with --seconds)", 1,
                                 1'000'000),
                   number_option("--seconds", "S", "stop after S seconds (default 10, or a day with --count)", 1,
                                 kMillisecondsMax / 1'000),
                   {.name = "--id",
                    .value = "HEX",
                    .help = "print only messages of this trace; its id is the same at each node"},
                   {.name = "--all", .help = "allow a pattern that matches every actor"}},
       .positionals = {{.name = "PATTERN", .help = "actors to trace: /peer/** or kind=peer, as in inspect --filter"}},
       .needs = Needs::view,
       .notes = std::string(R"(
lines
  in                        the actor took the message out of its mailbox
  out                       the actor of a link wrote the message to the other node
  over                      the message came over the link of this actor, for another actor
  then path, remote side, kind, trace id, and the message as text
)") + inspect_command::kColumns +
                R"(
examples
  troupe trace /files --count 20
  troupe trace 'kind=peer' --seconds 60
  troupe trace '/**' --id 5f0c6ed37cd0b1a9 --seconds 60 &    # then, with the same id:
  troupe file put FILE --trace-id 5f0c6ed37cd0b1a9
)",
       .route = Route{.role = Role::operator_, .output = Output::watch, .prints = {"TracedMessage", "TraceEnded"}},
       .run = trace}};
}

}  // namespace troupe::apps
