#pragma once
// Many items after one request, in either direction; the reader's credit limits their rate.
//
// Credit  the reader grants items and bytes; the writer stops at zero. The same for local and remote streams.
// End     either side may end a stream: the writer with end() or fail(), the reader by cancelling. The end of either
//         actor or of the link between them ends the stream with an error.
// Idle    a stream in which nothing moves for its idle time-out ends with `timeout`.
#include <memory>

#include "runtime/actor/envelope.hpp"
#include "runtime/actor/logic/credit.hpp"
#include "runtime/base/callback.hpp"
#include "runtime/base/error.hpp"

namespace troupe::runtime {

class StreamEnd;  // stream_end.hpp: the state of one end, private to runtime/actor

/// The window that a reader grants: of chunks of 1 MiB, one is in flight, one is being written and two wait.
inline constexpr logic::Credit kStreamWindow{64, 4u << 20};

namespace detail {
bool stream_push(StreamEnd& end, Envelope item);
bool stream_ready(const StreamEnd& end);
void stream_on_ready(StreamEnd& end, base::Callback<void()> ready);
void stream_on_cancel(StreamEnd& end, base::Callback<void()> cancelled);
void stream_on_item(StreamEnd& end, base::Callback<void(const Envelope&)> item);
void stream_on_end(StreamEnd& end, base::Callback<void(const Envelope&)> ended);
void stream_finish(StreamEnd& end, Envelope last);  // END or an error; does nothing if already finished
void stream_cancel(StreamEnd& end);
void stream_pause(StreamEnd& end, bool paused);
}  // namespace detail

/// Reads an item, which must have the kind of the stream. Throws kj::Exception like any read.
template <class Item>
Envelope::Reading<Item> item_of(const Envelope& item) {
  KJ_REQUIRE(item.kind() == &messages::kind_of<Item>(), "the item has another kind than the stream");
  return Envelope::Reading<Item>(item);
}

/// The writing end. Dropping it before end() ends the stream with `dropped`.
template <class Item>
class Sink {
 public:
  Sink() = default;
  explicit Sink(std::shared_ptr<StreamEnd> end) : end_(std::move(end)) {}
  Sink(Sink&&) noexcept = default;
  Sink& operator=(Sink&& other) noexcept {
    if (end_) fail({base::Code::dropped, "the writer gave up"});
    end_ = std::move(other.end_);
    return *this;
  }
  ~Sink() {
    if (end_) fail({base::Code::dropped, "the writer gave up"});
  }

  explicit operator bool() const { return end_ != nullptr; }

  /// Sends one item. Returns whether there is credit for another item; after false, wait for on_ready(). Pushing
  /// without credit is a broken invariant; pushing after the end does nothing and returns false.
  template <class Fill>
  bool push(Fill&& fill) {
    if (!end_) return false;
    return detail::stream_push(*end_, Envelope::build<Item>({.signal = Signal::item}, std::forward<Fill>(fill)));
  }
  /// Sends an item from another stream of the same kind, without copying it. Returns the same as push().
  bool forward(const Envelope& item) { return end_ && detail::stream_push(*end_, item); }
  bool ready() const { return end_ && detail::stream_ready(*end_); }
  /// Calls back each time credit arrives after all credit was spent.
  void on_ready(base::Callback<void()> callback) {
    if (end_) detail::stream_on_ready(*end_, std::move(callback));
  }
  /// Calls back once if the reader cancels or is gone; then nothing more needs to be sent.
  void on_cancel(base::Callback<void()> callback) {
    if (end_) detail::stream_on_cancel(*end_, std::move(callback));
  }
  void end() { finish(Envelope::bare({.signal = Signal::end})); }
  void fail(const base::Error& error) { finish(error_envelope(error)); }

 private:
  void finish(Envelope last) {
    if (end_) detail::stream_finish(*std::exchange(end_, nullptr), std::move(last));
  }
  std::shared_ptr<StreamEnd> end_;
};

/// The reading end of a stream that the requester writes. This actor responds with an `A`; dropping this end without a
/// response sends `dropped`.
template <class Item, class A>
class Intake {
 public:
  Intake() = default;
  explicit Intake(std::shared_ptr<StreamEnd> end) : end_(std::move(end)) {}
  Intake(Intake&&) noexcept = default;
  Intake& operator=(Intake&& other) noexcept {
    if (end_) refuse({base::Code::dropped, "the reader gave up"});
    end_ = std::move(other.end_);
    return *this;
  }
  ~Intake() {
    if (end_) refuse({base::Code::dropped, "the reader gave up"});
  }

  explicit operator bool() const { return end_ != nullptr; }

  /// Calls back for each item; more credit is granted when the callback returns, unless paused.
  template <class F>
  void on_item(F callback) {
    detail::stream_on_item(*end_, [callback = std::move(callback)](const Envelope& item) mutable {
      auto reading = item_of<Item>(item);
      callback(reading.root());
    });
  }
  /// Does the same with the item's envelope: to keep the item longer, or to pass it on.
  void on_envelope(base::Callback<void(const Envelope&)> callback) {
    detail::stream_on_item(*end_, std::move(callback));
  }
  /// Calls back once: with success after the writer's last item, otherwise with the error that ended the stream early.
  void on_end(base::Callback<void(base::Result<void, base::Error>)> callback) {
    detail::stream_on_end(*end_, [callback = std::move(callback)](const Envelope& last) mutable {
      if (last.header().signal == Signal::error) callback(read_error(last));
      else callback({});
    });
  }
  /// While paused, no more credit is granted; granted items may still arrive.
  void pause() {
    if (end_) detail::stream_pause(*end_, true);
  }
  void resume() {
    if (end_) detail::stream_pause(*end_, false);
  }
  template <class Fill>
  void reply(Fill&& fill) {
    finish(Envelope::build<A>({.signal = Signal::end}, std::forward<Fill>(fill)));
  }
  /// Responds with an `A` or an error that another actor sent.
  void forward(const Envelope& answer) {
    Header head = answer.header();
    if (head.signal != Signal::error) head.signal = Signal::end;
    finish(answer.with(head));
  }
  void refuse(const base::Error& error) { finish(error_envelope(error)); }

 private:
  void finish(Envelope last) {
    if (end_) detail::stream_finish(*std::exchange(end_, nullptr), std::move(last));
  }
  std::shared_ptr<StreamEnd> end_;
};

/// The requester's handle of a stream that it reads. Dropping it cancels the stream.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::shared_ptr<StreamEnd> end) : end_(std::move(end)) {}
  Subscription(Subscription&&) noexcept = default;
  Subscription& operator=(Subscription&& other) noexcept {
    cancel();
    end_ = std::move(other.end_);
    return *this;
  }
  ~Subscription() { cancel(); }

  void cancel() {
    if (end_) detail::stream_cancel(*std::exchange(end_, nullptr));
  }
  /// While paused, no more credit is granted; granted items may still arrive.
  void pause() {
    if (end_) detail::stream_pause(*end_, true);
  }
  void resume() {
    if (end_) detail::stream_pause(*end_, false);
  }

 private:
  std::shared_ptr<StreamEnd> end_;
};

}  // namespace troupe::runtime
