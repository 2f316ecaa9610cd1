// How a peer in service handles each frame, and each message of a proxy.
#include <caf/actor_cast.hpp>
#include <caf/message_id.hpp>

#include "messages/common.capnp.h"
#include "runtime/net/admission.hpp"
#include "runtime/net/logic/envelope_check.hpp"
#include "runtime/net/logic/readable.hpp"
#include "runtime/net/misbehaved.hpp"
#include "runtime/net/peer.hpp"

namespace troupe::net {
namespace {

using base::Code;
using base::Error;
using runtime::Envelope;
using runtime::Signal;

const std::string kNoMessage = "an answer or item that is not a message";
constexpr std::size_t kWatchedMax = 1024;  // our choice: as many proxies as the other side may hold
// Our choice: a busy honest node may exceed its rate for a while, but not tenfold.
constexpr std::chrono::seconds kFloodTime{10};
constexpr std::uint64_t kFloodTimes = 10;
constexpr std::uint64_t kLateAnswersPerQuestion =
    4;  // our choice: both sides may end a stream, at once and for two reasons

bool is_last(FrameType type) {
  return type == FrameType::answer || type == FrameType::error || type == FrameType::end || type == FrameType::cancel;
}

FrameType type_of(const runtime::Outbound& message) {
  switch (message.envelope.header().signal) {
    case Signal::message:
    case Signal::open:
      if (message.answers) return FrameType::answer;
      return message.correlation == 0 ? FrameType::tell : FrameType::ask;
    case Signal::error: return FrameType::error;
    case Signal::item: return FrameType::item;
    case Signal::end: return FrameType::end;
    case Signal::cancel: return FrameType::cancel;
    case Signal::credit: return FrameType::credit;
  }
  return FrameType::error;
}

std::optional<Signal> signal_of(FrameType type) {
  switch (type) {
    case FrameType::answer: return Signal::message;
    case FrameType::error: return Signal::error;
    case FrameType::item: return Signal::item;
    case FrameType::end: return Signal::end;
    case FrameType::cancel: return Signal::cancel;
    case FrameType::credit: return Signal::credit;
    default: return std::nullopt;
  }
}

}  // namespace

/// Conversations that this side opened have its numbers: the dialler's are odd.
bool Peer::ours(std::uint64_t correlation) const {
  return (correlation % 2 == 1) == (link_->side() == Link::Side::dialler);
}

void Peer::violated(const std::string& how) {
  misbehaved(wire::Violation::PROTOCOL, how);
  turn_away(Turned::frames, "the other side broke the protocol: " + how);
}

/// Reports a violation. The link proves that the peer itself sent the message.
void Peer::misbehaved(wire::Violation how, std::string_view what) {
  if (role_ != messages::Role::peer || state_ != State::serving) return;
  if (!told_) told_.emplace(kToldPerSecond, kToldPerSecond, now());
  if (!told_->take(now())) return;  // otherwise one link could fill the mailbox of `/peers`
  tell<wire::Misbehaved>(node().find(kPeersPath),
                         [&](wire::Misbehaved::Builder out) { write_misbehaved(out, node_, how, what); });
}

void Peer::note_flood() {
  if (now() - flood_since_ >= kFloodTime) {
    flood_since_ = now();
    flood_ = 0;
  }
  const std::uint64_t most = pool_->setup().limits.questions_per_second_max * kFloodTimes * kFloodTime.count();
  if (++flood_ == most) misbehaved(wire::Violation::FLOODING, "ten times as many requests as allowed");
}

// -- from the other side --

void Peer::take_frame(const Frame& frame) {
  spoken_to_ = true;
  switch (frame.header.type) {
    case FrameType::ask: return take_question(frame);
    case FrameType::tell: return take_tell(frame);
    case FrameType::answer:
    case FrameType::error:
    case FrameType::item:
    case FrameType::end:
    case FrameType::cancel:
    case FrameType::credit: return take_conversation(frame);
    case FrameType::watch:
    case FrameType::unwatch: return take_watch(frame);
    case FrameType::down: return take_down(frame);
    case FrameType::ping: return write({.type = FrameType::pong, .correlation = frame.header.correlation}, {}, {});
    case FrameType::pong: return;
    case FrameType::close: hung_up_on_ = true; return end("the other side has hung up");
    case FrameType::hello:
    case FrameType::proof: return violated("a handshake frame on a link in service");
  }
}

/// Returns why a message is not admitted to a service, or nullopt if it is.
std::optional<Error> Peer::forbidden(const Frame& frame, const messages::KindInfo* kind,
                                     const runtime::Service* service) {
  if (auto why = net::forbidden(*pool_, kind, role_, service, frame.payload)) {
    if (const auto how = violation_of(kind, role_, frame.payload)) misbehaved(*how, why->message);
    return why;
  }
  if (!within_rate(kind)) {
    note_flood();
    return Error{Code::overloaded, "too many requests of this kind per second", std::chrono::milliseconds(1000)};
  }
  return std::nullopt;
}

bool Peer::within_rate(const messages::KindInfo* kind) {
  if (role_ == messages::Role::operate) return true;  // the node's owner
  const std::uint32_t rate = pool_->setup().limits.questions_per_second_max;
  const auto bucket = rates_.try_emplace(kind, rate, rate, now()).first;
  return bucket->second.take(now()) || pool_->partners().contains(node_);
}

Envelope Peer::envelope_of(const Frame& frame, const messages::KindInfo* kind, Signal signal, runtime::Trace known) {
  runtime::Header header;
  header.kind = kind;
  header.signal = signal;
  header.origin = runtime::Origin::foreign;
  header.trace = {frame.header.trace_id, frame.header.parent_span};
  if (header.trace.id == 0) header.trace = known;
  // An operator's request can be traced through all nodes that it reaches.
  if (header.trace.id == 0 && role_ != messages::Role::peer && runtime::begins(signal))
    header.trace.id = random().next() | 1;
  header.credit_items = frame.header.credit_items;
  header.credit_bytes = frame.header.credit_bytes;
  if (frame.header.remaining_us != 0) header.due = due_of(frame.header.remaining_us, now());
  if (frame.payload.empty()) return Envelope::bare(header);
  if (auto room = reader_.take_room()) return Envelope::from_room(header, std::move(*room));
  const auto* words = reinterpret_cast<const capnp::word*>(frame.payload.data());  // aligned: see frame.hpp
  return Envelope::from_words(header, kj::arrayPtr(words, frame.payload.size() / sizeof(capnp::word)));
}

void Peer::take_question(const Frame& frame) {
  const std::uint64_t number = frame.header.correlation;
  if (number == 0 || ours(number) || (number & ~caf::message_id::request_id_mask) != 0)
    return violated("a request whose number belongs to this side");
  if (served_.contains(number)) return violated("two requests with one number");
  const auto* kind = messages::find_kind(frame.header.kind);
  const auto service = node().service(frame.path);
  if (const auto why = forbidden(frame, kind, service.get())) return refuse_question(frame, *why);
  if (questions_in_flight() >= pool_->setup().limits.questions_in_flight_max || paused_)
    return refuse_question(
        frame, {Code::overloaded, "too many requests of this link are in flight", std::chrono::milliseconds(100)});
  auto by = caf::actor_cast<caf::strong_actor_ptr>(service->handle);
  Envelope question = envelope_of(frame, kind, Signal::message);
  if (!link_->served->charge_question(question))
    return refuse_question(frame,
                           {Code::overloaded, "too many bytes of requests are in progress (net.buffer_bytes_max)",
                            std::chrono::milliseconds(500)});
  served_.emplace(number, Question{by, {}, question.header().trace});
  deliver(by, link_->answers(), number | caf::message_id::default_async_value, std::move(question));
}

/// The larger of the unanswered requests and the requests that no service has dropped. A service may drop a message
/// before it answers, and a cancelled stream may still wait in the mailbox.
std::size_t Peer::questions_in_flight() const { return std::max(served_.size(), link_->served->questions()); }

void Peer::refuse_question(const Frame& frame, const Error& why) {
  write({.type = FrameType::error, .correlation = frame.header.correlation}, {}, runtime::error_envelope(why));
  flush_soon();
}

void Peer::take_tell(const Frame& frame) {
  const auto* kind = messages::find_kind(frame.header.kind);
  const auto service = node().service(frame.path);
  if (forbidden(frame, kind, service.get())) return node().count(runtime::DeadLetter::unsupported);
  Envelope message = envelope_of(frame, kind, Signal::message);
  if (!link_->served->charge_tell(message)) return node().count(runtime::DeadLetter::full);
  deliver(caf::actor_cast<caf::strong_actor_ptr>(service->handle), link_->answers(),
          caf::message_id::default_async_value, std::move(message));
}

/// Handles the response to a request of this node, or a part of a stream in either direction. An unexpected payload is
/// not read, because a list of tiny structs can turn a few words into many elements.
void Peer::take_conversation(const Frame& frame) {
  const std::uint64_t number = frame.header.correlation;
  const FrameType type = frame.header.type;
  const messages::KindInfo* kind = nullptr;
  if (!frame.payload.empty()) {
    kind = messages::find_kind(frame.header.kind);
    // From a newer node, with unknown kinds or larger messages: useless here, but no violation.
    if (kind == nullptr || !messages::fits(*kind, frame.payload.size()))
      return turn_away(Turned::frames, "an answer or item of a kind or size that this node does not know");
    if (check_envelope(frame.payload)) return violated(kNoMessage);
    if (type == FrameType::error && kind != &messages::kind_of<messages::wire::Error>())
      return violated("an error frame whose message is not an Error");
  } else if (type == FrameType::answer || type == FrameType::item || type == FrameType::error) {
    return violated("an answer or item without words");
  }
  const auto served = ours(number) ? served_.end() : served_.find(number);
  Envelope envelope =
      envelope_of(frame, kind, *signal_of(type), served == served_.end() ? runtime::Trace{} : served->second.trace);
  if (ours(number)) {
    const auto flow = flows_.find(number);
    const auto asker = link_->asker(number, is_last(type));
    if (!asker.who) {
      if (is_last(type) && ++late_answers_ > (link_->questions() + 1) * kLateAnswersPerQuestion)
        return violated("responses without a request");
      return node().count(runtime::DeadLetter::late_answer);
    }
    if (!is_last(type) && (flow == flows_.end() || !take_part(frame, flow->second)))
      return violated("more than its credit");
    if (is_last(type) && flow != flows_.end()) flows_.erase(flow);
    // Items are bounded by the credit that their reader grants.
    if (kind != nullptr && !readable(frame.payload, *kind)) {
      // No more responses are requested, so the end of the link would not reach the requester.
      deliver(asker.who, link_->answers(), caf::message_id{asker.message_id}.response_id().integer_value(),
              runtime::error_envelope({Code::malformed, "the other node's answer cannot be read"},
                                      {.trace = envelope.header().trace}));
      return violated(kNoMessage);
    }
    const bool large = envelope.bytes().size() >= ServedBytes::kSharedMin;
    if (large && type == FrameType::answer && !link_->served->charge_answer(envelope))
      envelope = runtime::error_envelope(
          {Code::unknown_outcome,
           "the response cannot be accepted: too many bytes of responses are in use (net.buffer_bytes_max)"},
          {.trace = envelope.header().trace});
    return deliver(asker.who, link_->answers(), caf::message_id{asker.message_id}.response_id().integer_value(),
                   envelope);
  }
  if (type == FrameType::answer) return violated("a response to its own request");
  if (served == served_.end() || served->second.cancelled)
    return node().count(runtime::DeadLetter::late_answer);  // the conversation has ended on this side
  if (kind != nullptr && !messages::may_send(*kind, role_)) return violated("a kind that its role may not send");
  if (!take_part(frame, served->second.flow)) return violated("more than its credit");
  if (kind != nullptr && !readable(frame.payload, *kind)) return violated(kNoMessage);
  const auto by = served->second.by;
  if (type != FrameType::error && type != FrameType::cancel) served->second.stream = true;
  else if (served->second.stream || role_ != messages::Role::peer) served_.erase(served);
  else served->second.cancelled = true;  // a service answers every request, but not the cancel of a stream
  deliver(by, link_->answers(), number | caf::message_id::default_async_value, envelope);
}

/// Accounts for a part of a stream; returns whether the other side may send it now.
bool Peer::take_part(const Frame& frame, Flow& flow) {
  switch (frame.header.type) {
    case FrameType::item: {
      const bool granted = flow.items > 0 && flow.bytes > 0 && !flow.ended;
      flow.items -= 1;
      flow.bytes -= static_cast<std::int64_t>(frame.payload.size());
      return granted;
    }
    case FrameType::credit: return flow.credits-- > 0;
    case FrameType::end: return !std::exchange(flow.ended, true);
    default: return true;
  }
}

/// Records the credit that a part from this side grants to the other side.
void Peer::note_part(const runtime::Outbound& message, FrameType type) {
  const runtime::Header& head = message.envelope.header();
  Flow* flow = nullptr;
  if (message.answers) {
    if (const auto served = served_.find(message.correlation); served != served_.end()) flow = &served->second.flow;
  } else if (head.signal == Signal::open) {
    flow = &flows_[message.correlation];
  } else if (const auto open = flows_.find(message.correlation); open != flows_.end()) {
    flow = &open->second;
  }
  if (flow == nullptr) return;
  flow->items += head.credit_items;
  flow->bytes += head.credit_bytes;
  if (type == FrameType::item) ++flow->credits;
  if (!message.answers && (type == FrameType::error || type == FrameType::cancel)) flows_.erase(message.correlation);
}

void Peer::take_watch(const Frame& frame) {
  const std::string path(frame.path);
  const auto known = watched_.find(path);
  if (frame.header.type == FrameType::unwatch) {
    if (known == watched_.end()) return;
    unwatch(known->second);
    watched_.erase(known);
    return;
  }
  if (known != watched_.end()) return;
  const auto service = node().service(path);
  if (!service || watched_.size() >= kWatchedMax) {
    write({.type = FrameType::down}, path, runtime::error_envelope(no_service(*pool_)));
    return flush_soon();
  }
  watched_.emplace(path, service->handle);
  watch(service->handle);
}

void Peer::take_down(const Frame& frame) {
  if (frame.payload.empty() || frame.header.kind != messages::kind_of<messages::wire::Error>().id ||
      check_envelope(frame.payload))
    return violated("a DOWN frame without a reason");
  const auto envelope = envelope_of(frame, &messages::kind_of<messages::wire::Error>(), Signal::error);
  link_->down(std::string(frame.path), runtime::read_error(envelope));
}

// -- from this side --

void Peer::outbound(runtime::Outbound&& message) {
  if (state_ == State::ended) return;
  if (state_ != State::serving) {
    early_.push_back(std::move(message));
    return;
  }
  send_message(message);
  flush_soon();
}

void Peer::send_message(const runtime::Outbound& message) {
  if (message.what != runtime::Outbound::What::message) {
    const bool watches = message.what == runtime::Outbound::What::watch;
    return write({.type = watches ? FrameType::watch : FrameType::unwatch}, *message.path, {});
  }
  plain_cost_ += Link::cost(message.envelope);
  FrameHeader header;
  header.type = type_of(message);
  header.correlation = message.correlation;
  note_part(message, header.type);
  if (message.answers) {
    const auto served = served_.find(message.correlation);
    if (served == served_.end()) return;  // the other side has cancelled the stream
    const bool cancelled = served->second.cancelled;
    served->second.stream = true;
    if (is_last(header.type) || cancelled) served_.erase(served);
    if (cancelled) return;
  } else if (message.correlation == 0 && header.type != FrameType::tell) {
    return;  // a part of a stream that has ended
  }
  const runtime::Header& head = message.envelope.header();
  if (head.due != base::Instant::max()) header.remaining_us = remaining_us(head.due, now());
  write(header, message.path == nullptr ? std::string_view() : *message.path, message.envelope);
  if (head.signal == Signal::open && head.credit_items > 0) {
    write({.type = FrameType::credit,
           .correlation = message.correlation,
           .credit_items = head.credit_items,
           .credit_bytes = head.credit_bytes},
          {}, {});
  }
}

void Peer::write(FrameHeader header, std::string_view path, const Envelope& envelope) {
  if (!envelope) return write_frame(plain_, header, path, {});
  const runtime::Header& head = envelope.header();
  if (head.kind != nullptr) {
    header.kind = head.kind->id;
    header.lane = head.kind->lane;
  }
  header.trace_id = head.trace.id != 0 ? head.trace.id : pool_->setup().trace;
  header.parent_span = head.trace.span;
  if (head.signal == Signal::credit) {
    header.credit_items = head.credit_items;
    header.credit_bytes = head.credit_bytes;
  }
  write_frame_head(plain_, header, path, envelope.bytes().size());
  write_payload(envelope.bytes());
}

}  // namespace troupe::net
