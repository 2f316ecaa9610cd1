#pragma once
// The expired leases, as the leader of a group finds them: by their ends in the group's time (group_time.hpp).
//
// Late    no lease ends early. A lease without an end gets its whole time, from when this leader finds it. The leader
//         then proposes KeepLeases for it, so that the next leader knows its end.
// Ends    expired() returns an expired lease until the group has dropped it, at most once per kRetryMs.
// Owner   the leader of one group; not thread-safe.
#include <map>
#include <set>
#include <vector>

#include "actors/raft/logic/kv/machine.hpp"

namespace troupe::raft::kv {

class LeaseTimes {
 public:
  static constexpr std::int64_t kRetryMs = 1'000;    // our choice: retry of a lost proposal
  static constexpr std::int64_t kTellMinMs = 1'000;  // our choice: between two commands that carry only the time
  static constexpr std::int64_t kTellPart = 10;      // our choice: part of the remaining time of the next lease to end

  /// Begins, at a new leader, with all leases of the group.
  void begin(const std::map<LeaseId, Lease>& leases, std::int64_t now_ms) {
    ends_.clear();
    by_end_.clear();
    unkept_.clear();
    for (const auto& [id, lease] : leases) changed(id, lease, now_ms);
  }
  /// Records that the lease was granted or kept.
  void changed(LeaseId id, const Lease& lease, std::int64_t now_ms) {
    if (lease.end_ms == 0) unkept_.push_back(id);
    set(id, lease.end_ms == 0 ? end_of(lease, now_ms) : lease.end_ms);
  }
  void dropped(LeaseId id) {
    const auto found = ends_.find(id);
    if (found == ends_.end()) return;
    by_end_.erase({found->second, id});
    ends_.erase(found);
  }

  /// Returns at most `max` expired leases. The leader proposes a DropLease for each.
  std::vector<LeaseId> expired(std::int64_t now_ms, std::size_t max) {
    std::vector<LeaseId> out;
    while (!by_end_.empty() && by_end_.begin()->first <= now_ms && out.size() < max) {
      const LeaseId id = by_end_.begin()->second;
      set(id, now_ms + kRetryMs);
      out.push_back(id);
    }
    return out;
  }
  /// Returns at most `max` leases for which the leader proposes KeepLeases.
  std::vector<LeaseId> unkept(std::size_t max) {
    const auto end = unkept_.begin() + static_cast<std::ptrdiff_t>(std::min(max, unkept_.size()));
    std::vector<LeaseId> out(unkept_.begin(), end);
    unkept_.erase(unkept_.begin(), end);
    return out;
  }
  /// Returns when the leader next proposes its time if the group knows `known_ms`, or nullopt without leases. A
  /// restarting member lacks at most a second, or a tenth of the remaining time of the next lease to end.
  std::optional<std::int64_t> tell_at(std::int64_t known_ms) const {
    if (by_end_.empty()) return std::nullopt;
    return known_ms + std::max(kTellMinMs, (by_end_.begin()->first - known_ms) / kTellPart);
  }
  /// Returns when the next lease expires, or nullopt if there are no leases.
  std::optional<std::int64_t> next_end() const {
    return by_end_.empty() ? std::nullopt : std::optional(by_end_.begin()->first);
  }
  std::size_t size() const { return ends_.size(); }

 private:
  void set(LeaseId id, std::int64_t end_ms) {
    dropped(id);
    ends_.emplace(id, end_ms);
    by_end_.emplace(end_ms, id);
  }
  std::map<LeaseId, std::int64_t> ends_;
  std::set<std::pair<std::int64_t, LeaseId>> by_end_;
  std::vector<LeaseId> unkept_;
};

}  // namespace troupe::raft::kv
