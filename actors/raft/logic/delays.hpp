#pragma once
// What a commit waits for now: the disks of the voters, and the links between them.
//
// Source  RFC 6298 for the average: each new delay has the weight 1/8.
// Rule    a commit takes as long as the slowest voter of the fastest quorum. Heartbeats wait for no disk, so they show
//         the delay of a follower's link. The rest of an acknowledgement's delay is its disk.
#include <algorithm>
#include <optional>
#include <vector>

#include "actors/raft/logic/configuration.hpp"
#include "runtime/base/time.hpp"

namespace troupe::raft {

class Smoothed {
 public:
  void add(base::Duration delay) { value_ = value_ ? *value_ + (delay - *value_) / 8 : delay; }
  std::optional<base::Duration> value() const { return value_; }

 private:
  std::optional<base::Duration> value_;
};

struct CommitDelay {
  enum class What : std::uint8_t { disk, link, silent };
  What what = What::disk;
  MemberId member;
  base::Duration takes{0};
};

/// The delay of one voter until sent entries are durable there.
struct VoterDelay {
  MemberId member;
  base::Duration link{0}, disk{0};
  std::optional<base::Duration> silent{};  ///< time since its last response
};

/// Returns the delays, the deciding delay first: the larger and the smaller part of the voter that completes a quorum,
/// then the parts of the other voters, slowest first.
inline std::vector<CommitDelay> decisive_first(std::vector<VoterDelay> voters) {
  const auto time = [](const VoterDelay& one) { return one.silent ? base::Duration::max() : one.link + one.disk; };
  std::ranges::stable_sort(voters, {}, time);
  std::vector<CommitDelay> out;
  const auto add = [&](const VoterDelay& one) {
    if (one.silent) return out.push_back({CommitDelay::What::silent, one.member, *one.silent});
    CommitDelay link{CommitDelay::What::link, one.member, one.link},
        disk{CommitDelay::What::disk, one.member, one.disk};
    if (link.takes > disk.takes) std::swap(link, disk);
    out.push_back(disk);
    if (link.takes > base::Duration::zero()) out.push_back(link);
  };
  if (voters.empty()) return out;
  const std::size_t decides = voters.size() / 2;
  add(voters[decides]);
  for (std::size_t i = voters.size(); i-- > 0;)
    if (i != decides) add(voters[i]);
  return out;
}

}  // namespace troupe::raft
