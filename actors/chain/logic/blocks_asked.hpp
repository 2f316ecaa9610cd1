#pragma once
// Who is asked for the blocks that follow the head, and when another one is asked for the same.
//
// Beside  each one that is asked while others are waited for is waited for longer than the one before it, by its
//         score: on a slow line few answers crowd each other.
// Given   once blocks have come, those that have not answered are waited for no more. They are asked nothing else until
//         they have answered, or their time is up.
// Limits  each node one question; the caller ends each by answered().
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
  /// `alone`: how long it may take until the next one is asked.
  void ask(const base::NodeId& id, base::Duration alone, base::Instant now) {
    asked_[id] = true;
    next_ = now + alone * waited_for();
  }
  bool asks(const base::NodeId& id) const { return asked_.contains(id); }
  /// From then on another one may be asked.
  base::Instant next() const { return next_; }
  /// How many are asked, and have not answered, since blocks came last.
  std::int64_t waited_for() const {
    return std::ranges::count_if(asked_, [](const auto& one) { return one.second; });
  }

  /// It has answered, or will not: if it was waited for, another one may be asked at once.
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
