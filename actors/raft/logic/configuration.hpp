#pragma once
// The members of a group, and how one configuration follows from another.
//
// Source  Ongaro's thesis, 2014: 4.3 (joint consensus), 4.2.1 (learners catch up first, there "non-voting");
//         etcd-io/raft confchange for learners within a joint configuration.
// Joint   while `outgoing` seats exist, every decision needs majorities of the voters and of the outgoing voters.
// Bytes   encode() returns the contents of a log entry: the whole configuration, never a difference.
// Limits  kMembersMax. decode_configuration() accepts only what encode() returns.
#include <map>
#include <optional>
#include <vector>

#include "actors/raft/logic/types.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/result.hpp"

namespace troupe::raft {

inline constexpr std::size_t kMembersMax = 64;               // our choice: a group of nine voters is large
inline constexpr std::uint8_t kPriorityDefault = 100;        // our choice: leaves values above and below
inline constexpr std::size_t kChangesMax = kMembersMax;      // per proposal
inline constexpr std::size_t kConfigurationBytesMax = 4096;  // 64 members of 48 bytes and a header

/// A member's roles. At least one of the first three is set; a voter is not a learner.
struct Seat {
  bool voter = false;                        ///< in the current configuration, or in the new half of a joint one
  bool outgoing = false;                     ///< a voter in the half that ends with the joint step
  bool learner = false;                      ///< receives entries and has no vote
  bool learner_next = false;                 ///< an outgoing voter that becomes a learner once the joint step ends
  bool promote = false;                      ///< a learner that its leader promotes to voter once it has caught up
  std::uint8_t priority = kPriorityDefault;  ///< a voter with a lower priority waits longer before it campaigns
  base::Endpoint address{};

  friend bool operator==(const Seat&, const Seat&) = default;
};

struct Configuration {
  std::map<MemberId, Seat> seats;
  bool auto_leave = false;  ///< the leader ends the joint step without a request

  friend bool operator==(const Configuration&, const Configuration&) = default;

  bool joint() const;
  /// Returns whether `member` votes, in either half.
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

/// Applies `changes` in order. At most one voter may differ afterwards (thesis 4.1).
Changed change_simply(const Configuration& from, const std::vector<Change>& changes);

/// Returns the joint configuration whose halves are `from`, and `from` with `changes`.
Changed enter_joint(const Configuration& from, const std::vector<Change>& changes, bool auto_leave);

/// Returns the configuration that follows the joint one.
Changed leave_joint(const Configuration& from);

/// Returns the number of voters that only one of the two has.
std::size_t voters_changed(const Configuration& a, const Configuration& b);

base::Bytes encode(const Configuration& configuration);
/// Returns nullopt unless the bytes are the canonical encoding of a configuration with voters.
std::optional<Configuration> decode_configuration(base::ByteView bytes);

}  // namespace troupe::raft
