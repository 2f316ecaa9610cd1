#pragma once
// Which leases are over, as the leader of the group finds them: by their ends in the group's time (group_time.hpp).
//
// Late    never early. A lease that no leader has kept yet lasts for its whole time from when this leader finds it; the
//         leader proposes KeepLeases for it, so that the next leader knows its end.
// Ends    a lease that is over is named by expired() until the group has dropped it, at most once in kRetryMs.
// Owner   the leader of one group; not thread-safe.
#include <map>
#include <set>
#include <vector>

#include "actors/raft/logic/kv/machine.hpp"

namespace troupe::raft::kv {

class LeaseTimes {
 public:
  static constexpr std::int64_t kRetryMs = 1'000;    // our choice: a proposal that was lost is made again
  static constexpr std::int64_t kTellMinMs = 1'000;  // our choice: between two commands that only bring the time
  static constexpr std::int64_t kTellPart = 10;      // our choice: of what the lease that ends first still lasts

  /// A leader begins: all leases of the group.
  void begin(const std::map<LeaseId, Lease>& leases, std::int64_t now_ms) {
    ends_.clear();
    by_end_.clear();
    unkept_.clear();
    for (const auto& [id, lease] : leases) changed(id, lease, now_ms);
  }
  /// It was granted or kept.
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

  /// At most `max` leases that are over, for each of which the leader proposes a DropLease.
  std::vector<LeaseId> expired(std::int64_t now_ms, std::size_t max) {
    std::vector<LeaseId> out;
    while (!by_end_.empty() && by_end_.begin()->first <= now_ms && out.size() < max) {
      const LeaseId id = by_end_.begin()->second;
      set(id, now_ms + kRetryMs);
      out.push_back(id);
    }
    return out;
  }
  /// At most `max` leases, for which the leader proposes KeepLeases.
  std::vector<LeaseId> unkept(std::size_t max) {
    const auto end = unkept_.begin() + static_cast<std::ptrdiff_t>(std::min(max, unkept_.size()));
    std::vector<LeaseId> out(unkept_.begin(), end);
    unkept_.erase(unkept_.begin(), end);
    return out;
  }
  /// Returns when the leader proposes its time next, if the group knows `known_ms`, or nullopt if there are no leases. A
  /// member that restarts lacks at most a second, or a tenth of what the first lease to end has left.
  std::optional<std::int64_t> tell_at(std::int64_t known_ms) const {
    if (by_end_.empty()) return std::nullopt;
    return known_ms + std::max(kTellMinMs, (by_end_.begin()->first - known_ms) / kTellPart);
  }
  /// Returns when expired() has something to name, or nullopt if there are no leases.
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
