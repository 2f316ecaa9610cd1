#pragma once
// The time of a group, as one member counts it: each command brings the leader's, and it continues by this member's clock.
//
// Early   never: this member learns a command later than its leader proposed it, and each one sets the time again, also
//         back. So what a leader with an older time wrote lasts as long as that leader promised.
// Leads   a new leader counts once it has applied all that leaders before it wrote; until then its commands bring no
//         time. The time between two leaders counts.
// Owner   one member; not thread-safe.
#include <algorithm>
#include <chrono>
#include <cstdint>

#include "runtime/base/time.hpp"

namespace troupe::raft::kv {

class GroupTime {
 public:
  /// The state of `ms` was loaded.
  void begin(std::int64_t ms, base::Instant now) { set(ms, now); }
  void leads(bool leads) { role_ = leads ? Role::elected : Role::follows; }
  /// The leader of now has applied an entry of its term: nothing of leaders before it is missing.
  void term_begun() { role_ = Role::leads; }

  /// A command was applied, and `ms` is the latest time in one by now.
  void applied(std::int64_t ms, base::Instant now) {
    if (role_ != Role::leads) set(ms, now);  // otherwise it is the time that this member proposed
  }

  /// The time that a command brings which this member proposes.
  std::int64_t to_propose(base::Instant now) const { return role_ == Role::leads ? at(now) : ms_; }
  std::int64_t at(base::Instant now) const {
    return ms_ + std::chrono::duration_cast<std::chrono::milliseconds>(now - since_).count();
  }
  /// When it will be `ms`.
  base::Instant when(std::int64_t ms) const { return since_ + std::chrono::milliseconds(std::min(ms - ms_, kFar)); }
  bool counts() const { return role_ == Role::leads; }

 private:
  static constexpr std::int64_t kFar = std::int64_t{1} << 42;  // a century, and no sum with it overflows
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
