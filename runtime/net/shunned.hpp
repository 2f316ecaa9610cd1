#pragma once
// Nodes that this one has banned for a while, as `/peers` says: asked before a link comes into service, a node is
// dialled, and a datagram is opened or sent.
//
// Limits  kShunnedMax; one more takes the place of the one that would end first.
// Time    the node's monotonic time, given by the caller; a ban ends by itself.
// Safety  any thread. While nobody is banned, and nearly always nobody is, a question costs one load.
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>

#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"

namespace troupe::net {

class Shunned {
 public:
  static constexpr std::size_t kShunnedMax = 2'048;  // our choice: more than `/peers` has room for

  /// Until then. One that is over lifts it.
  void shun(const base::NodeId& id, base::Instant until, base::Instant now);
  bool contains(const base::NodeId& id, base::Instant now) const;
  /// Whether anybody may be in it.
  bool any() const { return count_.load(std::memory_order_acquire) > 0; }

  std::size_t size(base::Instant now) const;
  /// Bans so far; one that was made longer is none.
  std::uint64_t bans() const { return bans_.load(std::memory_order_relaxed); }
  /// Links, dials and questions that came to nothing by them, so far.
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  mutable std::mutex lock_;
  std::map<base::NodeId, base::Instant> until_;
  std::atomic<std::size_t> count_{0};
  std::atomic<std::uint64_t> bans_{0};
  mutable std::atomic<std::uint64_t> refused_{0};
};

}  // namespace troupe::net
