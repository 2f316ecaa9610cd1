#pragma once
// What members of a group say to each other, and what is wrong with a message whatever state it meets.
//
// Source  thesis figure 3.1 (RequestVote, AppendEntries), 3.13 (InstallSnapshot), 3.10 (TimeoutNow), 9.6 (pre-vote),
//         6.4 (read index).
// Trust   a member is believed in what it says of itself. Fields that contradict each other, or that no member could
//         send, are refused: `Rejected` names why, and nothing has changed.
#include <variant>
#include <vector>

#include "actors/raft/logic/log.hpp"
#include "actors/raft/logic/settings.hpp"
#include "runtime/base/time.hpp"

namespace troupe::raft {

enum class Campaign : std::uint8_t {
  pre = 0,       ///< would you vote? Nothing changes; the message's term is the one that would be
  normal = 1,    ///< refused by those who hear a leader
  transfer = 2,  ///< the leader asked for it and has given up its lease
};
inline constexpr std::uint8_t kCampaignMax = 2;

struct VoteRequest {
  Campaign campaign = Campaign::normal;
  Index last;
  Term last_term;
};
struct VoteReply {
  bool pre = false;
  bool granted = false;
};
struct Append {
  Index previous;
  Term previous_term;
  Index commit;
  std::uint64_t sequence = 0;  ///< of what the leader has sent to this follower; the answer repeats it
  std::vector<Entry> entries;
};
struct AppendReply {
  bool accepted = false;
  Index match;     ///< accepted: durable up to there, and the same as the leader's. Otherwise: what `previous` was
  Index hint;      ///< not accepted: the logs may agree up to there …
  Term hint_term;  ///< … where this is the follower's term
  std::uint64_t sequence = 0;
};
/// What a follower is told to apply where no entries bring it. It is not answered: the next heartbeat repeats it.
struct Commit {
  Index index;  ///< not beyond what this follower has acknowledged
};
struct Heartbeat {
  Index commit;  ///< not beyond what this follower has acknowledged
  Round round;
  std::uint64_t sequence = 0;
  base::Duration quiet{};  ///< the group sleeps: the next one comes within that time; at most kQuietMax
};
struct HeartbeatReply {
  Round round;
  Index durable;
  base::Duration clock{};  ///< monotonic time of the follower, for its rate
  std::uint64_t sequence = 0;
  bool short_of_room = false;  ///< its device is nearly full
};
/// The follower fetches that snapshot from the sender, and then accepts it with AppendReply.
struct InstallSnapshot {
  Snapshot snapshot;
  std::uint64_t sequence = 0;
};
struct TimeoutNow {};
/// A follower of a sleeping group asks whether its leader is there.
struct Wake {};
struct ReadRequest {
  ReadId id;
};
struct ReadReply {
  ReadId id;
  Index index;  ///< the read is linearizable on a state that has applied this
};

using Body = std::variant<VoteRequest, VoteReply, Append, AppendReply, Heartbeat, HeartbeatReply, InstallSnapshot,
                          TimeoutNow, ReadRequest, ReadReply, Wake, Commit>;

struct Message {
  MemberId from, to;
  Epoch epoch;
  Term term;
  Body body;
};

enum class Rejected : std::uint8_t {
  other_member,              ///< for another node or incarnation, or from this member itself
  other_epoch,               ///< of the cluster before or after `recover --force-new-cluster`
  malformed,                 ///< fields out of range or against each other
  conflicts_with_committed,  ///< would change what is committed here: one of the two has lost or forged state
  two_leaders,               ///< of one term
  not_leader,                ///< a TimeoutNow or a snapshot of a member that does not lead
  unknown_member,            ///< an answer of no member of the configuration
  behind,                    ///< this member does not have what the leader believes it acknowledged
  unasked,                   ///< an answer to no question
};

/// What is wrong with it for the member `self` of a group in `epoch`; nothing if it is well-formed.
std::optional<Rejected> flaw(const Message& message, const MemberId& self, Epoch epoch);

}  // namespace troupe::raft
