#pragma once
// Checks that the machines of all members are the same: hashes after the latest entries, and their comparison.
//
// Why     a faulty disk, bad memory or a bug may change one member's state. Its responses are then wrong, and nothing
//         else would show it.
// Rule    the hash that a quorum of the voters has after one entry is right, and members with another hash stop. If all
//         voters have responded and no hash has a quorum, all stop, because none is known to be right.
// Limits  RecentHashes keeps kHashesKept.
// Owner   one member; not thread-safe.
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "actors/raft/logic/quorum.hpp"

namespace troupe::raft {

inline constexpr std::size_t kHashesKept = 2'048;        // our choice: a follower is asked about recent entries
inline constexpr std::uint64_t kCompareEntries = 1'000;  // issue: entries between two comparisons
inline constexpr std::chrono::seconds kComparePeriod{1};

class RecentHashes {
 public:
  /// Indices rise by one, or the list starts again.
  void add(Index index, std::uint64_t hash) {
    if (!hashes_.empty() && index != last_.next()) hashes_.clear();
    hashes_.push_back(hash);
    last_ = index;
    if (hashes_.size() > kHashesKept) hashes_.pop_front();
  }
  std::optional<std::uint64_t> after(Index index) const {
    if (index > last_ || index.value + hashes_.size() <= last_.value) return std::nullopt;
    return hashes_[hashes_.size() - 1 - (last_ - index)];
  }

 private:
  std::deque<std::uint64_t> hashes_;
  Index last_;
};

class HashPoll {
 public:
  HashPoll(Index index, Configuration configuration) : index_(index), configuration_(std::move(configuration)) {}

  Index index() const { return index_; }
  void heard(const MemberId& member, std::uint64_t hash) {
    if (configuration_.find(member)) hashes_.insert_or_assign(member, hash);
  }
  /// Returns the hash that a quorum has.
  std::optional<std::uint64_t> agreed() const {
    for (const auto& [member, hash] : hashes_)
      if (tally(hash) == Tally::won) return hash;
    return std::nullopt;
  }
  /// Returns whether all voters have responded, and no hash has a quorum.
  bool hopeless() const {
    for (const auto& [member, seat] : configuration_.seats)
      if ((seat.voter || seat.outgoing) && !hashes_.contains(member)) return false;
    return !agreed();
  }
  std::vector<MemberId> others_than(std::uint64_t hash) const {
    std::vector<MemberId> out;
    for (const auto& [member, its] : hashes_)
      if (its != hash) out.push_back(member);
    return out;
  }

 private:
  Tally tally(std::uint64_t hash) const {
    return quorum_tally(configuration_, [&](const MemberId& id) -> std::optional<bool> {
      const auto found = hashes_.find(id);
      return found == hashes_.end() ? std::nullopt : std::optional(found->second == hash);
    });
  }
  const Index index_;
  const Configuration configuration_;
  std::map<MemberId, std::uint64_t> hashes_;
};

}  // namespace troupe::raft
