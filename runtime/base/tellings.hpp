#pragma once
// Queues of notifications: a receiver gets its next notification once it has accepted the last. Receivers take turns,
// and only a few are notified at the same time.
//
// Order   per receiver, by the keys of its notifications.
// Turn    a receiver that has accepted a notification moves to the end of the queue. A receiver that has not accepted
//         it is retried later, with growing delays.
// Limits  `at_once` receivers are notified at a time. The owner limits the number of pending notifications (size()).
// Time    monotonic, given by the caller.
// Owner   one actor; not thread-safe.
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "runtime/base/backoff.hpp"
#include "runtime/base/bytes.hpp"

namespace troupe::base {

template <class To, class What>
class Tellings {
 public:
  struct Next {
    To to;
    Bytes key;
    const What& what;  ///< valid until told()
  };
  Tellings(std::size_t at_once, Backoff backoff) : at_once_(at_once), backoff_(backoff) {}

  /// Queues a notification of `to`; the same key again changes nothing.
  void put(const To& to, Bytes key, What what) {
    const auto [at, fresh] = all_.try_emplace(to, backoff_);
    size_ += at->second.waiting.emplace(std::move(key), std::move(what)).second ? 1 : 0;
    if (fresh) turns_.push_back(to);
  }
  /// Returns the next notification to send; the owner then calls told() or not_told(). Returns nullopt if `at_once`
  /// notifications are in flight, or if all waiting receivers were postponed.
  std::optional<Next> next(Instant now) {
    for (; !later_.empty() && later_.begin()->first <= now; later_.erase(later_.begin()))
      turns_.push_back(later_.begin()->second);
    if (turns_.empty() || asked_ >= at_once_) return std::nullopt;
    const To to = std::move(turns_.front());
    turns_.pop_front();
    ++asked_;
    const auto& [key, what] = *all_.at(to).waiting.begin();
    return Next{to, key, what};
  }
  /// The receiver has accepted the notification.
  void told(const To& to, const Bytes& key) {
    --asked_;
    const auto at = all_.find(to);
    size_ -= at->second.waiting.erase(key);
    at->second.backoff.reset();
    if (at->second.waiting.empty()) all_.erase(at);
    else turns_.push_back(to);
  }
  /// The receiver has not accepted it: it is notified again later.
  void not_told(const To& to, Instant now, const Error& why) {
    --asked_;
    later_.emplace(now + all_.at(to).backoff.next(why), to);
  }
  /// Returns how long until the first postponed receiver has its turn, or nullopt if no receiver was postponed.
  std::optional<Duration> wait(Instant now) const {
    if (later_.empty()) return std::nullopt;
    return std::max(later_.begin()->first - now, Duration::zero());
  }
  /// Drops all notifications. Do not call told() or not_told() afterwards for those in flight.
  void clear() { *this = Tellings(at_once_, backoff_); }

  std::size_t size() const { return size_; }
  std::size_t asked() const { return asked_; }

 private:
  struct One {
    explicit One(Backoff first) : backoff(first) {}
    std::map<Bytes, What> waiting;
    Backoff backoff;
  };
  std::size_t at_once_;
  Backoff backoff_;
  std::map<To, One> all_;  // each receiver has a turn, a notification in flight, or was postponed
  std::deque<To> turns_;
  std::multimap<Instant, To> later_;
  std::size_t size_ = 0, asked_ = 0;
};

}  // namespace troupe::base
