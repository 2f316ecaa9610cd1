#pragma once
// How long each lease still lasts, as the leader alone counts it.
//
// Late    never early: a new leader gives each lease its whole time again, and a keep-alive counts from its arrival.
// Ends    a lease that is over is named by expired() until the group has dropped it, at most once in kRetry.
// Owner   the leader of one group; not thread-safe.
#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <vector>

#include "actors/raft/logic/kv/command.hpp"
#include "runtime/base/time.hpp"

namespace troupe::raft::kv {

class LeaseTimes {
 public:
  static constexpr std::chrono::seconds kRetry{1};  // our choice: a proposal that was lost is made again

  /// A leader begins: all leases of the group, with their time to live in ms.
  void begin(const std::map<LeaseId, std::uint64_t>& leases, base::Instant now) {
    ends_.clear();
    by_end_.clear();
    for (const auto& [id, ttl_ms] : leases) granted(id, ttl_ms, now);
  }
  void granted(LeaseId id, std::uint64_t ttl_ms, base::Instant now) {
    dropped(id);
    // Anything longer is for ever.
    const auto ttl = std::chrono::milliseconds(std::min<std::uint64_t>(ttl_ms, kTtlMax));
    set(id, {ttl, now + ttl});
  }
  /// Nothing if there is no such lease; otherwise how long it lasts from now.
  std::optional<base::Duration> keep(LeaseId id, base::Instant now) {
    const auto found = ends_.find(id);
    if (found == ends_.end()) return std::nullopt;
    const base::Duration ttl = found->second.ttl;
    by_end_.erase({found->second.end, id});
    set(id, {ttl, now + ttl});
    return ttl;
  }
  void dropped(LeaseId id) {
    const auto found = ends_.find(id);
    if (found == ends_.end()) return;
    by_end_.erase({found->second.end, id});
    ends_.erase(found);
  }

  /// At most `max` leases that are over, for each of which the leader proposes a DropLease.
  std::vector<LeaseId> expired(base::Instant now, std::size_t max) {
    std::vector<LeaseId> out;
    while (!by_end_.empty() && by_end_.begin()->first <= now && out.size() < max) {
      const LeaseId id = by_end_.begin()->second;
      by_end_.erase(by_end_.begin());
      set(id, {ends_.at(id).ttl, now + kRetry});
      out.push_back(id);
    }
    return out;
  }
  base::Instant wake_at() const { return by_end_.empty() ? base::Instant::max() : by_end_.begin()->first; }
  std::size_t size() const { return ends_.size(); }

 private:
  static constexpr std::uint64_t kTtlMax = std::uint64_t{1} << 42;  // a century
  struct Lasts {
    base::Duration ttl;
    base::Instant end;
  };
  void set(LeaseId id, Lasts lasts) {
    ends_.insert_or_assign(id, lasts);
    by_end_.emplace(lasts.end, id);
  }
  std::map<LeaseId, Lasts> ends_;
  std::set<std::pair<base::Instant, LeaseId>> by_end_;
};

}  // namespace troupe::raft::kv
