#pragma once
// Passes a stream between its requester and the actor that serves it, item by item and without copies.
//
// Credit  an item for which the other side has granted no credit waits here and pauses its writer: at most one window
//         waits.
// Ends    an error that ends one side also ends the other side.
// Owner   the actor in the middle, which keeps it until it is over().
#include <deque>
#include <optional>

#include "runtime/actor/actor.hpp"

namespace troupe::runtime {

/// Passes items from the requester to the worker, and the worker's response `A` back.
template <class Item, class A>
class IntakeRelay {
 public:
  explicit IntakeRelay(Intake<Item, A> from) : from_(std::move(from)) {
    from_.on_envelope([this](const Envelope& item) {
      waiting_.push_back(item);
      flush();
    });
    from_.on_end([this](base::Result<void, base::Error> ended) {
      ended_ = ended;
      flush();
    });
  }
  /// Sets the worker's end of the stream, once it exists.
  void to(Sink<Item> to) {
    to_ = std::move(to);
    to_.on_ready([this] { flush(); });
    flush();
  }
  void answer(const Envelope& answer) {
    from_.forward(answer);
    to_ = {};
    over_ = true;
  }
  void refuse(const base::Error& error) {
    from_.refuse(error);
    over_ = true;
  }
  bool over() const { return over_; }
  /// Whether the requester has given up.
  bool given_up() const { return ended_ && !ended_->ok(); }

 private:
  void flush() {
    while (to_.ready() && !waiting_.empty()) {
      to_.forward(waiting_.front());
      waiting_.pop_front();
    }
    if (given_up()) {
      if (to_) to_.fail(ended_->error());
      waiting_.clear();
    } else if (!waiting_.empty()) {
      if (!ended_) from_.pause();
    } else if (!ended_) {
      from_.resume();
    } else if (to_) {
      to_.end();
    }
  }

  Intake<Item, A> from_;
  Sink<Item> to_;
  std::deque<Envelope> waiting_;
  std::optional<base::Result<void, base::Error>> ended_;
  bool over_ = false;
};

/// Passes items from the worker to the requester.
template <class Item>
class OutputRelay {
 public:
  explicit OutputRelay(Sink<Item> to) : to_(std::move(to)) {
    to_.on_ready([this] { flush(); });
    to_.on_cancel([this] {
      from_.cancel();
      over_ = true;
    });
  }
  void from(Subscription from) { from_ = std::move(from); }
  void item(const Envelope& item) {
    waiting_.push_back(item);
    flush();
  }
  void ended(const base::Result<void, base::Error>& ended) {
    ended_ = ended;
    flush();
  }
  bool over() const { return over_; }

 private:
  void flush() {
    while (to_.ready() && !waiting_.empty()) {
      to_.forward(waiting_.front());
      waiting_.pop_front();
    }
    if (!waiting_.empty()) {
      if (!ended_) from_.pause();
    } else if (!ended_) {
      from_.resume();
    } else {
      if (ended_->ok()) to_.end();
      else to_.fail(ended_->error());
      over_ = true;
    }
  }

  Sink<Item> to_;
  Subscription from_;
  std::deque<Envelope> waiting_;
  std::optional<base::Result<void, base::Error>> ended_;
  bool over_ = false;
};

}  // namespace troupe::runtime
