#pragma once
// The work that a group's core requests, and the status that it shows.
#include <map>
#include <string_view>
#include <vector>

#include "actors/raft/logic/progress.hpp"
#include "actors/raft/logic/saves.hpp"

namespace troupe::raft {

enum class Role : std::uint8_t { follower, candidate, leader };
inline std::string_view name(Role role) {
  return role == Role::leader ? "leader" : role == Role::candidate ? "candidate" : "follower";
}

/// The position of an entry. The entry was lost if the entry applied at `index` has another term.
struct Position {
  Index index;
  Term term;

  friend bool operator==(const Position&, const Position&) = default;
};

enum class Refused : std::uint8_t {
  no_leader,         ///< no leader is known, and nothing was done
  not_leader,        ///< another member leads (status().leader)
  transferring,      ///< the leader is handing over
  too_large,         ///< larger than entry_bytes_max
  uncommitted_full,  ///< uncommitted_bytes_max wait for a quorum
  too_many_reads,    ///< reads_max wait
  term_not_begun,    ///< the leader has not yet committed an entry of its term
  change_pending,    ///< another change of members is not committed, or its joint step has not ended
  no_change,         ///< the configuration would be the same
  loses_quorum,      ///< too few voters of the new configuration respond now
  bad_change,        ///< no voter would be left, or too many members
  unknown_member,    ///< not a voter of the configuration
  recovering,        ///< that member has lost entries that it acknowledged
};

struct ReadyState {
  ReadId id;
  Index index;  ///< the read may be answered from a state that has applied this index
};

/// A follower needs entries that are only on this member's disk. Respond with Raft::loaded().
struct Load {
  MemberId member;
  Index from;
  Index to;
  std::size_t bytes_max = 0;
};

/// This member must fetch a snapshot from `from`, check its digest, and call Raft::begin_install(). A later fetch
/// replaces it. The same fetch may be repeated.
struct Fetch {
  MemberId from;
  Snapshot snapshot;
};

struct Event {
  enum class What : std::uint8_t {
    role,           ///< this member now leads, campaigns or follows
    configuration,  ///< another configuration is in effect
    recovering,     ///< `member` has lost entries that it acknowledged
    disk_stalled,   ///< leadership is handed to `member`, because this disk does not respond
    clock_drifts,   ///< lease reads are off until the clock of `member` is steady
    removed,        ///< the leader steps down because it is no longer a voter
    quorum_lost,    ///< the leader steps down because no quorum responds
  };
  What what;
  MemberId member{};

  friend bool operator==(const Event&, const Event&) = default;
};

struct Output {
  std::optional<Save> save;
  std::vector<Message> messages;     ///< may be sent now
  std::vector<Entry> apply;          ///< committed and durable here; in order, each once
  std::vector<ReadyState> reads;     ///< may be answered
  std::vector<ReadId> reads_failed;  ///< unanswered: the leader has changed or does not respond
  std::vector<Load> loads;
  std::optional<Fetch> fetch;
  std::vector<Event> events;
};

struct Status {
  Role role = Role::follower;
  Term term;
  std::optional<MemberId> leader;
  Index commit, applied, durable, last;
  Configuration configuration;
  Index configuration_index;
  std::map<MemberId, Progress> progress;  ///< at a leader
  std::size_t reads_waiting = 0;
  std::uint64_t uncommitted_bytes = 0;
  bool transferring = false;
  bool lease = false;
  bool asleep = false;
};

}  // namespace troupe::raft
