#pragma once
// Notifies receivers: each gets one thing at a time, and the next once it has accepted the last. Few receivers are
// notified at once, in turns.
//
// Order   for each receiver, by the keys of what it gets.
// Turn    a receiver that has accepted something waits after those in the queue. A receiver that has not is retried
//         later, after longer and longer delays.
// Limits  `at_once` receivers are notified at a time. The owner limits how much waits (size()).
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
    const What& what;  ///< valid until it is told
  };
  Tellings(std::size_t at_once, Backoff backoff) : at_once_(at_once), backoff_(backoff) {}

  /// From now on `to` is to be told it; the same key again changes nothing.
  void put(const To& to, Bytes key, What what) {
    const auto [at, fresh] = all_.try_emplace(to, backoff_);
    size_ += at->second.waiting.emplace(std::move(key), std::move(what)).second ? 1 : 0;
    if (fresh) turns_.push_back(to);
  }
  /// The next to be told, and what; its owner says how it ends. Nothing: as many are asked as may, or all that wait
  /// were put off.
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
  /// It has taken that.
  void told(const To& to, const Bytes& key) {
    --asked_;
    const auto at = all_.find(to);
    size_ -= at->second.waiting.erase(key);
    at->second.backoff.reset();
    if (at->second.waiting.empty()) all_.erase(at);
    else turns_.push_back(to);
  }
  /// It has not: it is told again later.
  void not_told(const To& to, Instant now, const Error& why) {
    --asked_;
    later_.emplace(now + all_.at(to).backoff.next(why), to);
  }
  /// How long until one that was put off has its turn.
  std::optional<Duration> wait(Instant now) const {
    if (later_.empty()) return std::nullopt;
    return std::max(later_.begin()->first - now, Duration::zero());
  }
  /// Nothing waits any more; the ends of what was asked for are not to be said.
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
  std::map<To, One> all_;  // each has a turn, is asked, or was put off
  std::deque<To> turns_;
  std::multimap<Instant, To> later_;
  std::size_t size_ = 0, asked_ = 0;
};

}  // namespace troupe::base
