#include "runtime/net/banned_nodes.hpp"

#include <algorithm>

namespace troupe::net {

void BannedNodes::ban(const base::NodeId& id, base::Instant until, base::Instant now) {
  const std::lock_guard hold(lock_);
  std::erase_if(until_, [&](const auto& one) { return one.second <= now; });
  if (until <= now) {
    until_.erase(id);
  } else {
    if (until_.size() >= kNodesMax && !until_.contains(id))
      until_.erase(std::ranges::min_element(until_, {}, [](const auto& one) { return one.second; }));
    if (until_.insert_or_assign(id, until).second) bans_.fetch_add(1, std::memory_order_relaxed);
  }
  count_.store(until_.size(), std::memory_order_release);
}

bool BannedNodes::contains(const base::NodeId& id, base::Instant now) const {
  if (!any()) return false;
  const std::lock_guard hold(lock_);
  const auto found = until_.find(id);
  const bool banned = found != until_.end() && now < found->second;
  if (banned) refused_.fetch_add(1, std::memory_order_relaxed);
  return banned;
}

std::size_t BannedNodes::size(base::Instant now) const {
  const std::lock_guard hold(lock_);
  return static_cast<std::size_t>(std::ranges::count_if(until_, [&](const auto& one) { return now < one.second; }));
}

}  // namespace troupe::net
