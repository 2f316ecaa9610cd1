#include "runtime/actor/stream_end.hpp"

#include "runtime/actor/shell.hpp"

namespace troupe::runtime {
namespace {

const base::Error kViolated{base::Code::malformed, "the writer of a stream sent more than it was granted"};
const base::Error kUnreadable{base::Code::malformed, "an item of the stream violates its schema"};
const base::Error kCancelled{base::Code::dropped, "the reader of the stream cancelled it"};

}  // namespace

void StreamEnd::send(Envelope envelope) {
  if (other_) shell_->send_signal(*this, std::move(envelope));
}

void StreamEnd::detach() {
  starve(false);
  if (shell_ != nullptr) std::exchange(shell_, nullptr)->forget_stream(*this);
}

void StreamEnd::starve(bool starved) {
  if (shell_ == nullptr || starved == starved_since_.has_value()) return;
  if (starved) starved_since_ = shell_->now();
  else starved_since_.reset();
  shell_->note_starving();
}

void StreamEnd::grant(logic::Credit more) {
  out_.grant(more);
  starve(!out_.open());
}

void StreamEnd::grant_first() {
  is_intake_ = true;
  const logic::Credit first = in_.first();
  if (!open()) return;
  send(Envelope::bare({.signal = Signal::credit,
                       .credit_items = first.items,
                       .credit_bytes = static_cast<std::uint32_t>(first.bytes)}));
}

void StreamEnd::time_out() {
  const base::Error idle{base::Code::timeout, "nothing moved in the stream for its idle time-out"};
  send(side_ == Side::server ? error_envelope(idle) : Envelope::bare({.signal = Signal::cancel}));
  broken(idle);
}

bool StreamEnd::take(const Envelope& envelope, base::Instant now) {
  moved_ = now;
  switch (envelope.header().signal) {
    case Signal::item: return take_item(envelope);
    case Signal::credit: {
      const bool was_ready = out_.open();
      out_.grant({envelope.header().credit_items, envelope.header().credit_bytes});
      if (out_.open()) starve(false);
      if (!was_ready && out_.open() && on_ready) run(on_ready);
      return open();
    }
    case Signal::cancel: broken(kCancelled); return false;
    case Signal::open:
    case Signal::message:  // the response to an intake, sent as a response
    case Signal::end:
    case Signal::error: take_end(envelope); return open();
  }
  return open();
}

bool StreamEnd::take_item(const Envelope& item) {
  const std::uint64_t bytes = item.bytes().size();
  if (!in_.received(bytes) || !on_item) {
    send(Envelope::bare({.signal = Signal::cancel}));
    broken(kViolated);
    return false;
  }
  try {
    run(on_item, item);
  } catch (const kj::Exception&) {
    if (item.header().origin == Origin::local) throw;
    if (!open()) return false;
    send(Envelope::bare({.signal = Signal::cancel}));
    broken(kUnreadable);  // the writer's fault: the stream ends, this actor does not
    return false;
  }
  if (!open()) return false;
  const auto more = in_.consumed(bytes);
  if (!more) return true;
  if (paused_) {
    held_back_.items += more->items;
    held_back_.bytes += more->bytes;
  } else {
    send(Envelope::bare({.signal = Signal::credit,
                         .credit_items = more->items,
                         .credit_bytes = static_cast<std::uint32_t>(more->bytes)}));
  }
  return true;
}

void StreamEnd::take_end(const Envelope& last) {
  const bool is_error = last.header().signal == Signal::error;
  // A reader: to finish a stream is to cancel it, whatever call it uses, because a reader has no items that could end.
  const bool from_reader = side_ == Side::server && !is_intake_;
  if (from_reader && is_error) return broken(kCancelled);
  if (from_reader) return;
  auto ended = std::move(on_end);
  const bool answer_due = side_ == Side::server && !is_error;
  if (answer_due) input_ended_ = true;  // an intake: all items have arrived, our response ends the stream
  else detach();
  if (!open()) drop_callbacks();
  if (ended) ended(last);
}

void StreamEnd::drop_callbacks() {
  on_ready = {};
  on_cancel = {};
  on_item = {};
  on_end = {};
}

void StreamEnd::broken(const base::Error& error) {
  if (!open()) return;
  detach();
  auto cancelled = std::move(on_cancel);
  auto ended = std::move(on_end);
  drop_callbacks();
  if (cancelled) cancelled();
  if (ended) ended(error_envelope(error));
}

void StreamEnd::abandon(const base::Error& error) {
  if (!open()) return;
  send(side_ == Side::server ? error_envelope(error) : Envelope::bare({.signal = Signal::cancel}));
  detach();
  drop_callbacks();
}

bool StreamEnd::push(Envelope item) {
  if (!open()) return false;
  base::ensure(out_.open(), "an item is pushed only with credit");
  const std::uint64_t bytes = item.bytes().size();
  moved_ = shell_->now();
  send(std::move(item));
  const bool more = out_.spend(bytes);
  if (!more) starve(true);
  return more;
}

void StreamEnd::finish(Envelope last) {
  if (!open()) return;
  const bool answer_follows = side_ == Side::opener && last.header().signal == Signal::end;
  send(std::move(last));
  starve(false);
  if (answer_follows) return;  // a feed: the reader's response ends the stream
  detach();
  drop_callbacks();
}

void StreamEnd::cancel() {
  if (!open()) return;
  send(Envelope::bare({.signal = Signal::cancel}));
  detach();
  drop_callbacks();
}

void StreamEnd::pause(bool paused) {
  paused_ = paused;
  if (paused || !open() || held_back_.items == 0) return;
  send(Envelope::bare({.signal = Signal::credit,
                       .credit_items = held_back_.items,
                       .credit_bytes = static_cast<std::uint32_t>(held_back_.bytes)}));
  held_back_ = {};
}

namespace detail {
bool stream_push(StreamEnd& end, Envelope item) { return end.push(std::move(item)); }
bool stream_ready(const StreamEnd& end) { return end.ready(); }
void stream_on_ready(StreamEnd& end, base::Callback<void()> ready) { end.on_ready = std::move(ready); }
void stream_on_cancel(StreamEnd& end, base::Callback<void()> cancelled) { end.on_cancel = std::move(cancelled); }
void stream_on_item(StreamEnd& end, base::Callback<void(const Envelope&)> item) { end.on_item = std::move(item); }
void stream_on_end(StreamEnd& end, base::Callback<void(const Envelope&)> ended) { end.on_end = std::move(ended); }
void stream_finish(StreamEnd& end, Envelope last) { end.finish(std::move(last)); }
void stream_cancel(StreamEnd& end) { end.cancel(); }
void stream_pause(StreamEnd& end, bool paused) { end.pause(paused); }
}  // namespace detail

}  // namespace troupe::runtime
