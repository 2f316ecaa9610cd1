#pragma once
// The nodes that this one works with by agreement, such as the members of its groups: how many messages they may send
// in a second is not limited. A message above a rate is dropped, and what members say to each other comes in any
// number.
//
// Safety  any thread.
#include <mutex>
#include <set>
#include <utility>

#include "runtime/base/ids.hpp"

namespace troupe::net {

class Partners {
 public:
  void are(std::set<base::NodeId> nodes) {
    const std::lock_guard hold(lock_);
    nodes_ = std::move(nodes);
  }
  bool contains(const base::NodeId& node) const {
    const std::lock_guard hold(lock_);
    return nodes_.contains(node);
  }

 private:
  mutable std::mutex lock_;
  std::set<base::NodeId> nodes_;
};

}  // namespace troupe::net
