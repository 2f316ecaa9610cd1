// Streams of messages for operators.
#include <algorithm>

#include "actors/inspect/inspect_actor.hpp"
#include "actors/inspect/row_of.hpp"
#include "messages/schemas.hpp"
#include "runtime/base/whole_units.hpp"

namespace troupe::inspect {
namespace {

using base::Code;
using base::Error;

constexpr std::uint64_t kCountDefault = 100;
constexpr std::uint64_t kCountMax = 1'000'000;
constexpr std::uint64_t kMillisecondsDefault = 10'000;
constexpr std::uint64_t kMillisecondsMax = 86'400'000;
constexpr std::chrono::seconds kQuietMax{60};  // our choice: well within the idle time-outs of both ends
constexpr const char* kLocalOperator = "an operator at this machine";
constexpr std::size_t kWordsBytesMax = 64 * 1024;  // of one shown message: messages/inspect.capnp

wire::FollowedMessage::Form form_of(const runtime::Tapped& message) {
  using Form = wire::FollowedMessage::Form;
  switch (message.envelope.header().signal) {
    case runtime::Signal::message: return message.answer ? Form::ANSWER : Form::MESSAGE;
    case runtime::Signal::open: return Form::OPEN;
    case runtime::Signal::error: return Form::ERROR;
    case runtime::Signal::item: return Form::ITEM;
    case runtime::Signal::end: return Form::END;
    case runtime::Signal::cancel: return Form::CANCEL;
    case runtime::Signal::credit: return Form::CREDIT;
  }
  return Form::MESSAGE;
}

wire::FollowedMessage::Way way_of(runtime::Tapped::Direction way) {
  switch (way) {
    case runtime::Tapped::Direction::in: return wire::FollowedMessage::Way::IN;
    case runtime::Tapped::Direction::out: return wire::FollowedMessage::Way::OUT;
    case runtime::Tapped::Direction::over: return wire::FollowedMessage::Way::OVER;
  }
  return wire::FollowedMessage::Way::IN;
}

}  // namespace

void InspectActor::follow(wire::FollowMessages::Reader question, runtime::Sink<wire::FollowItem> sink) {
  const std::string pattern(question.getPattern().begin(), question.getPattern().size());
  auto filter = observe::Filter::parse(pattern);
  if (!filter.ok()) return sink.fail({Code::malformed, told("the pattern", pattern, filter.error())});
  if (question.getTrace() == 0 && filter.value().means_all() && !question.getAll())
    return sink.fail({Code::malformed, "the pattern matches every message of the node; confirm with --all"});
  const std::uint64_t milliseconds = question.getMilliseconds(), count = question.getCount();
  const std::uint64_t time = milliseconds > 0 ? milliseconds : count > 0 ? kMillisecondsMax : kMillisecondsDefault;
  Followed one;
  one.left = std::min(count > 0 ? count : milliseconds > 0 ? kCountMax : kCountDefault, kCountMax);
  one.sent_at = now();
  one.until = now() + std::chrono::milliseconds(std::min(time, kMillisecondsMax));
  one.tap = node().taps().open(
      [filter = std::move(filter).value()](std::string_view path, const char* kind, const runtime::Record& record,
                                           base::Instant at) { return filter.holds(row_of(path, kind, record, at)); },
      question.getTrace(), one.until, &messages::kind_of<wire::FollowItem>());  // otherwise it would follow itself
                                                                                // forever
  if (!one.tap)
    return sink.fail(
        {Code::overloaded, "too many message streams on this node (limit 4)", std::chrono::milliseconds(1'000)});
  one.sink = std::move(sink);
  followed_.push_back(std::move(one));
  Followed& kept = followed_.back();
  kept.sink.on_cancel([&kept] { kept.cancelled = true; });
  kept.sink.on_ready([this] { after<Follow>(base::Duration::zero()); });
  if (followed_.size() == 1) after<Follow>(kFollowPeriod);
}

void InspectActor::pump() {
  for (auto one = followed_.begin(); one != followed_.end();) {
    const bool goes_on = pump(*one);
    if (!goes_on) node().taps().close(one->tap);
    one = goes_on ? std::next(one) : followed_.erase(one);
  }
  if (!followed_.empty()) after<Follow>(kFollowPeriod);
}

/// Takes the tap's messages once all earlier ones are sent. So while a reader is slow, the tap queues messages, within
/// its limits. Returns false if there were none.
bool InspectActor::refill(Followed& one, Names& names) {
  auto taken = one.tap->take();
  one.dropped = taken.dropped;
  one.waiting.assign(std::make_move_iterator(taken.messages.begin()), std::make_move_iterator(taken.messages.end()));
  std::vector<std::uint64_t> numbers;
  for (const auto& message : one.waiting)
    if (!message.node) numbers.push_back(message.other);
  names.merge(names_of(std::move(numbers)));
  return !one.waiting.empty();
}

/// Returns false once the stream has ended.
bool InspectActor::pump(Followed& one) {
  if (one.cancelled) return false;
  Names names;
  while (one.left > 0 && one.sink.ready()) {
    if (one.waiting.empty() && !refill(one, names)) break;
    if (!send(one, one.waiting.front(), names)) break;
    one.waiting.pop_front();
  }
  const base::Instant at = now();
  if (one.left == 0) one.until = std::min(one.until, at);
  if (at < one.until) {
    // A stream that is idle for long would count as abandoned.
    if (at - one.sent_at >= kQuietMax && one.sink.ready()) {
      one.sent_at = at;
      one.sink.push([](wire::FollowItem::Builder item) { item.setNothing(); });
    }
    return true;
  }
  // The last item needs credit too; a reader that continues in time grants it.
  const bool all_sent = one.sink.ready() && (one.left == 0 || one.waiting.empty());
  if (!all_sent && at < one.until + kReaderDue) return true;
  return end(one, one.left == 0 ? "the requested number of messages has come" : "the requested time is over"), false;
}

/// Returns false if there was credit only for the message's types.
bool InspectActor::send(Followed& one, const runtime::Tapped& message, const Names& names) {
  const auto* kind = message.envelope.kind();
  if (kind != nullptr && std::ranges::find(one.known_kinds, kind->id) == one.known_kinds.end()) {
    one.known_kinds.push_back(kind->id);
    const auto types = messages::schemas_of(kind->id);
    const bool more = one.sink.push([&](wire::FollowItem::Builder item) {
      auto schemas = item.initSchemas(static_cast<unsigned>(types.size()));
      for (unsigned i = 0; i < schemas.size(); ++i)
        schemas.set(i, kj::arrayPtr(types[i]->node.data(), types[i]->node.size()));
    });
    if (!more) return false;
  }
  --one.left;
  ++one.sent;
  one.sent_at = now();
  const runtime::Header& head = message.envelope.header();
  one.sink.push([&](wire::FollowItem::Builder item) {
    auto out = item.initMessage();
    const base::Duration ago = now() - message.at;
    out.setUnixMs(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>((wall() - ago).since_origin()).count()));
    out.setWay(way_of(message.way));
    out.setPath(message.path);
    if (message.node) out.setOther(*message.node == base::NodeId{} ? kLocalOperator : message.node->hex());
    else if (const auto name = names.find(message.other); name != names.end()) out.setOther(name->second);
    if (kind != nullptr) {
      out.setKind(std::string(kind->name));
      out.setKindId(kind->id);
    }
    out.setForm(form_of(message));
    out.setTrace(head.trace.id);
    out.setSpan(head.trace.span);
    out.setHandler(message.handler);
    out.setAtUs(base::microseconds(message.at.since_origin()));
    out.setWaitedUs(base::microseconds(message.waited));
    out.setTookUs(base::microseconds(message.took));
    const base::ByteView bytes = message.envelope.bytes();
    out.setBytes(static_cast<std::uint32_t>(bytes.size()));
    if (bytes.size() <= kWordsBytesMax) out.setWords(kj::arrayPtr(bytes.data(), bytes.size()));
  });
  return true;
}

void InspectActor::end(Followed& one, const std::string& why) {
  if (!one.sink.ready()) {
    // Without credit the end and its reason are sent as an error, because no item may be sent.
    return one.sink.fail({Code::overloaded, why + ", and the reader was too slow"});
  }
  one.sink.push([&](wire::FollowItem::Builder item) {
    auto out = item.initEnded();
    out.setWhy(why);
    out.setMessages(one.sent);
    out.setDropped(one.dropped);
  });
  one.sink.end();
}

}  // namespace troupe::inspect
