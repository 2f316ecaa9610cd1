#include "runtime/actor/watchers.hpp"

namespace troupe::runtime {

void Watchers::add(std::uint64_t watched, std::uint64_t watcher) {
  const std::lock_guard hold(lock_);
  ++by_watched_[watched][watcher];
}

void Watchers::remove(std::uint64_t watched, std::uint64_t watcher) {
  const std::lock_guard hold(lock_);
  const auto found = by_watched_.find(watched);
  if (found == by_watched_.end()) return;
  const auto one = found->second.find(watcher);
  if (one == found->second.end() || --one->second > 0) return;
  found->second.erase(one);
  if (found->second.empty()) by_watched_.erase(found);
}

Watchers::Seen Watchers::of(std::uint64_t watched, std::size_t most) const {
  const std::lock_guard hold(lock_);
  Seen seen;
  const auto found = by_watched_.find(watched);
  if (found == by_watched_.end()) return seen;
  seen.in_all = found->second.size();
  for (const auto& [watcher, times] : found->second) {
    if (seen.first.size() == most) break;
    seen.first.push_back(watcher);
  }
  return seen;
}

std::size_t Watchers::size() const {
  const std::lock_guard hold(lock_);
  return by_watched_.size();
}

}  // namespace troupe::runtime
