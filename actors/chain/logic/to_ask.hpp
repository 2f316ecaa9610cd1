#pragma once
// Transactions that one neighbour has told, and is not asked for yet.
//
// Order    as they were told; what it is asked for once more goes before the others.
// Crowded  those for which enough others are asked are put aside, and looked at again when the caller says so.
// Limits   as many as the caller says for what is told; kCrowdedMax that are put aside: one more is forgotten.
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
    std::uint32_t signatures;  ///< that it has; 0: not known
  };

  /// It has told it. False if `most` wait here: then it is not remembered.
  bool told(const TxId& id, std::size_t most) {
    if (queue_.size() >= most) return false;
    if (!crowded_.contains(id) && ids_.insert(id).second) queue_.push_back({id, 0});
    return true;
  }
  /// It is the next one, unless it waits here already.
  void first(const One& one) {
    if (ids_.insert(one.id).second) queue_.push_front(one);
  }

  bool empty() const { return queue_.empty(); }
  const One& next() const { return queue_.front(); }
  /// The next one is asked for, or of no use.
  void pop() {
    ids_.erase(queue_.front().id);
    queue_.pop_front();
  }

  /// False if there is no room for it.
  bool put_aside(const TxId& id) {
    if (crowded_.size() >= kCrowdedMax) return false;
    crowded_.insert(id);
    return true;
  }
  bool has_crowded() const { return !crowded_.empty(); }
  /// Those that were put aside wait behind the others.
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
