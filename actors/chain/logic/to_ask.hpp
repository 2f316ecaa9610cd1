#pragma once
// Transactions that one neighbour has announced, but has not been asked for yet.
//
// Order    first announced, first asked; transactions to request again go first.
// Crowded  transactions for which enough other nodes are queued are set aside until look_again().
// Limits   the caller's limit for announcements. At most kCrowdedMax are set aside; further transactions are dropped.
// Owner    one actor; not thread-safe.
#include <deque>
#include <set>
#include <utility>

#include "actors/chain/logic/ids.hpp"

namespace troupe::chain {

class ToAsk {
 public:
  static constexpr std::size_t kCrowdedMax = 256;  // our choice

  struct One {
    TxId id;
    std::uint32_t signatures;  ///< 0: unknown
  };

  /// The neighbour has announced the transaction. Returns false and does not remember it if `most` are queued here.
  bool told(const TxId& id, std::size_t most) {
    if (queue_.size() >= most) return false;
    if (!crowded_.contains(id) && ids_.insert(id).second) queue_.push_back({id, 0});
    return true;
  }
  /// Puts it first, unless it is queued already.
  void first(const One& one) {
    if (ids_.insert(one.id).second) queue_.push_front(one);
  }

  bool empty() const { return queue_.empty(); }
  const One& next() const { return queue_.front(); }
  /// The first transaction was requested, or is of no use.
  void pop() {
    ids_.erase(queue_.front().id);
    queue_.pop_front();
  }

  /// Returns false if too many transactions are set aside.
  bool put_aside(const TxId& id) {
    if (crowded_.size() >= kCrowdedMax) return false;
    crowded_.insert(id);
    return true;
  }
  bool has_crowded() const { return !crowded_.empty(); }
  /// Appends the transactions that were set aside to the queue.
  void look_again() {
    for (const TxId& id : std::exchange(crowded_, {}))
      if (ids_.insert(id).second) queue_.push_back({id, 0});
  }

 private:
  std::deque<One> queue_;
  std::set<TxId> ids_;  // of the queue
  std::set<TxId> crowded_;
};

}  // namespace troupe::chain
