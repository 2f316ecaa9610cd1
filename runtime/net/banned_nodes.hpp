#pragma once
// The nodes that `/peers` has banned. Checked before a link comes into service, before a node is dialled, and before a
// datagram is opened or sent.
//
// Limits  kNodesMax; when full, a new ban replaces the ban that would end first.
// Time    The node's monotonic time, given by the caller; a ban ends by itself.
// Safety  Any thread. While no node is banned, which is nearly always, a check costs one atomic load.
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>

#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"

namespace troupe::net {

class BannedNodes {
 public:
  static constexpr std::size_t kNodesMax = 2'048;  // our choice: more than `/peers` can store

  /// Bans `id` until `until`, which replaces an earlier ban. An `until` that is not after `now` lifts the ban.
  void ban(const base::NodeId& id, base::Instant until, base::Instant now);
  bool contains(const base::NodeId& id, base::Instant now) const;
  /// Returns false if no node is banned; true may be outdated.
  bool any() const { return count_.load(std::memory_order_acquire) > 0; }

  std::size_t size(base::Instant now) const;
  /// Returns the bans since the start of the process; extending a ban does not count.
  std::uint64_t bans() const { return bans_.load(std::memory_order_relaxed); }
  /// Returns the links, dials and requests refused because of a ban, since the start of the process.
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  mutable std::mutex lock_;
  std::map<base::NodeId, base::Instant> until_;
  std::atomic<std::size_t> count_{0};
  std::atomic<std::uint64_t> bans_{0};
  mutable std::atomic<std::uint64_t> refused_{0};
};

}  // namespace troupe::net
