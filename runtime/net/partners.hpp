#pragma once
// The nodes with which this node cooperates, such as the members of its groups. This node drops other nodes' messages
// above a rate, but limits no rate of a partner.
//
// Safety  Any thread.
#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "runtime/base/ids.hpp"

namespace troupe::net {

class Partners {
 public:
  /// Replaces the partners that the part `whose` of this node has named.
  void are(std::string_view whose, std::set<base::NodeId> nodes) {
    const std::lock_guard hold(lock_);
    nodes_.insert_or_assign(std::string(whose), std::move(nodes));
  }
  bool contains(const base::NodeId& node) const {
    const std::lock_guard hold(lock_);
    return std::ranges::any_of(nodes_, [&](const auto& one) { return one.second.contains(node); });
  }

 private:
  mutable std::mutex lock_;
  std::map<std::string, std::set<base::NodeId>> nodes_;
};

}  // namespace troupe::net
