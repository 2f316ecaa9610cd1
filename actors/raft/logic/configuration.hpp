#pragma once
// Which members a group has, and how one configuration follows from another.
//
// Source  Ongaro's thesis, 2014: 4.3 (joint consensus), 4.2.1 (learners catch up first, there "non-voting");
//         etcd-io/raft confchange for learners within a joint configuration.
// Joint   while `outgoing` seats exist, every decision needs a majority of the voters and one of the outgoing voters.
// Bytes   encode() is what an entry of the log carries: the whole configuration, never a difference.
// Limits  kMembersMax. What decode() takes was made by encode(), or it is refused.
#include <map>
#include <optional>
#include <vector>

#include "actors/raft/logic/types.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/result.hpp"

namespace troupe::raft {

inline constexpr std::size_t kMembersMax = 64;               // our choice: a group of nine voters is large
inline constexpr std::uint8_t kPriorityDefault = 100;        // our choice: room above and below
inline constexpr std::size_t kChangesMax = kMembersMax;      // in one proposal
inline constexpr std::size_t kConfigurationBytesMax = 4096;  // 64 members of 48 bytes, and the head

/// What one member is. At least one of the first three holds; a voter is no learner.
struct Seat {
  bool voter = false;                        ///< of the configuration that is or will be
  bool outgoing = false;                     ///< a voter of the one that ends with the joint step
  bool learner = false;                      ///< gets entries, has no vote
  bool learner_next = false;                 ///< outgoing, and a learner once the joint step ends
  bool promote = false;                      ///< a learner that the leader makes a voter once it has caught up
  std::uint8_t priority = kPriorityDefault;  ///< a voter of a lower one waits longer before it campaigns
  base::Endpoint address{};

  friend bool operator==(const Seat&, const Seat&) = default;
};

struct Configuration {
  std::map<MemberId, Seat> seats;
  bool auto_leave = false;  ///< the leader ends the joint step by itself

  friend bool operator==(const Configuration&, const Configuration&) = default;

  bool joint() const;
  /// Whether `member` votes, in either half.
  bool votes(const MemberId& member) const;
  std::size_t voters() const;
  const Seat* find(const MemberId& member) const;
};

enum class ChangeKind : std::uint8_t { voter, learner, remove, update };

struct Change {
  ChangeKind kind = ChangeKind::learner;
  MemberId member;  ///< a zero node is ignored
  base::Endpoint address{};
  std::uint8_t priority = kPriorityDefault;
  bool promote = false;
};

enum class ConfigurationError : std::uint8_t {
  already_joint,     ///< a joint step has not ended
  not_joint,         ///< there is no joint step to end
  no_voters,         ///< a joint step from a configuration without voters
  voters_gone,       ///< no voter would be left
  needs_joint,       ///< more than one voter changes: a joint step is needed
  too_many_members,  ///< more than kMembersMax
};

using Changed = base::Result<Configuration, ConfigurationError>;

/// Applies `changes` in their order, at most one voter among them being different afterwards (thesis 4.1).
Changed change_simply(const Configuration& from, const std::vector<Change>& changes);

/// The joint configuration of `from` and of `from` with `changes`.
Changed enter_joint(const Configuration& from, const std::vector<Change>& changes, bool auto_leave);

/// What the joint configuration leads to.
Changed leave_joint(const Configuration& from);

/// Voters that are in one of the two and not in the other.
std::size_t voters_changed(const Configuration& a, const Configuration& b);

base::Bytes encode(const Configuration& configuration);
/// Nothing unless the bytes are what encode() makes of a configuration with voters.
std::optional<Configuration> decode_configuration(base::ByteView bytes);

}  // namespace troupe::raft
