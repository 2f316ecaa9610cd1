#pragma once
// Which nodes have been asked for the blocks after the head, and when to ask another node for the same blocks.
//
// Beside  each node that is asked in addition has more time, depending on its score, until the next node is asked too.
//         So few responses compete on a slow line.
// Given   once blocks have come, outstanding requests no longer count as waiting. Their nodes get no new request until
//         they respond or time out.
// Limits  one request per node; the caller ends each by answered().
// Time    monotonic, given by the caller.
// Owner   one actor; not thread-safe.
#include <algorithm>
#include <map>

#include "actors/chain/logic/place.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"

namespace troupe::chain {

class BlocksAsked {
 public:
  /// `alone`: how long the node may take until another node is asked too.
  void ask(const base::NodeId& id, base::Duration alone, base::Instant now) {
    asked_[id] = true;
    next_ = now + alone * waited_for();
  }
  bool asks(const base::NodeId& id) const { return asked_.contains(id); }
  /// Returns the time from which another node may be asked.
  base::Instant next() const { return next_; }
  /// Returns how many nodes were asked since blocks last came, and have not responded.
  std::int64_t waited_for() const {
    return std::ranges::count_if(asked_, [](const auto& one) { return one.second; });
  }

  /// The node has responded, or will not. If it was waited for, another node may be asked at once.
  void answered(const base::NodeId& id) {
    const auto one = asked_.extract(id);
    if (!one.empty() && one.mapped()) next_ = {};
  }
  void given() {
    for (auto& [id, waited] : asked_) waited = false;
    next_ = {};
  }

 private:
  std::map<base::NodeId, bool> asked_;  // whether it is waited for
  base::Instant next_{};
};

}  // namespace troupe::chain
