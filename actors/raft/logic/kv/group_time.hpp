#pragma once
// The time of a group, as one member counts it: each command has the leader's time; this member's clock continues it.
//
// Early   no lease ends early: a member receives a command after its leader proposed it. Each command sets the time,
//         even to an earlier time, so a lease from a leader whose time was behind lasts as long as it promised.
// Leads   a new leader counts time once it has applied the entries of all earlier leaders. Until then its commands
//         bring no new time. The time between two leaders counts.
// Owner   one member; not thread-safe.
#include <algorithm>
#include <chrono>
#include <cstdint>

#include "runtime/base/time.hpp"

namespace troupe::raft::kv {

class GroupTime {
 public:
  /// Begins with a loaded state, whose time is `ms`.
  void begin(std::int64_t ms, base::Instant now) { set(ms, now); }
  void leads(bool leads) { role_ = leads ? Role::elected : Role::follows; }
  /// Records that the current leader has applied an entry of its term, so it has all entries of earlier leaders.
  void term_begun() { role_ = Role::leads; }

  /// Records that a command was applied; `ms` is the latest time in any command so far.
  void applied(std::int64_t ms, base::Instant now) {
    if (role_ != Role::leads) set(ms, now);  // otherwise this member proposed the time itself
  }

  /// Returns the time for a command that this member proposes.
  std::int64_t to_propose(base::Instant now) const { return role_ == Role::leads ? at(now) : ms_; }
  std::int64_t at(base::Instant now) const {
    return ms_ + std::chrono::duration_cast<std::chrono::milliseconds>(now - since_).count();
  }
  /// Returns when the group's time reaches `ms`.
  base::Instant when(std::int64_t ms) const { return since_ + std::chrono::milliseconds(std::min(ms - ms_, kFar)); }
  bool counts() const { return role_ == Role::leads; }

 private:
  static constexpr std::int64_t kFar = std::int64_t{1} << 42;  // a century; sums with it cannot overflow
  enum class Role : std::uint8_t { follows, elected, leads };
  void set(std::int64_t ms, base::Instant now) {
    ms_ = std::min(ms, std::int64_t{1} << 61);
    since_ = now;
  }
  std::int64_t ms_ = 0;
  base::Instant since_{};
  Role role_ = Role::follows;
};

}  // namespace troupe::raft::kv
