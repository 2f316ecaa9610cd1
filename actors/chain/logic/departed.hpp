#pragma once
// Remembers nodes by id after their links end, so that reconnecting does not reset a node's reputation.
//
// Limits  kNodesMax nodes; a new node evicts the node that left first. Entries expire kKept after a node left.
// Time    monotonic, given by the caller.
// Owner   one actor; not thread-safe.
#include <algorithm>
#include <map>
#include <optional>

#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"

namespace troupe::chain {

template <class What>
class Departed {
 public:
  static constexpr std::size_t kNodesMax = 1'024;   // our choice: neighbours of a few minutes
  static constexpr std::chrono::minutes kKept{10};  // our choice: longer than any back-off

  void left(const base::NodeId& id, What what, base::Instant now) {
    std::erase_if(all_, [&](const auto& one) { return now >= one.second.since + kKept; });
    all_.insert_or_assign(id, One{std::move(what), now});
    if (all_.size() <= kNodesMax) return;
    const auto first = [](const auto& a, const auto& b) { return a.second.since < b.second.since; };
    all_.erase(std::min_element(all_.begin(), all_.end(), first));
  }
  /// Returns the record and forgets it here.
  std::optional<What> came(const base::NodeId& id, base::Instant now) {
    auto one = all_.extract(id);
    if (one.empty() || now >= one.mapped().since + kKept) return std::nullopt;
    return std::move(one.mapped().what);
  }
  /// Returns null if nothing is known. Valid until the next non-const call.
  What* find(const base::NodeId& id) {
    const auto one = all_.find(id);
    return one == all_.end() ? nullptr : &one->second.what;
  }
  std::size_t size() const { return all_.size(); }

 private:
  struct One {
    What what;
    base::Instant since;
  };
  std::map<base::NodeId, One> all_;
};

}  // namespace troupe::chain
