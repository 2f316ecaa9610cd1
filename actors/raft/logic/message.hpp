#pragma once
// The messages between the members of a group, and the errors that a message has in any state.
//
// Source  thesis figure 3.1 (RequestVote, AppendEntries), 3.13 (InstallSnapshot), 3.10 (TimeoutNow), 9.6 (pre-vote),
//         6.4 (read index).
// Trust   a member's statements about itself are believed. Contradictory fields, or fields that no member could send,
//         are refused: `Rejected` says why, and nothing has changed.
#include <variant>
#include <vector>

#include "actors/raft/logic/log.hpp"
#include "actors/raft/logic/settings.hpp"
#include "runtime/base/time.hpp"

namespace troupe::raft {

enum class Campaign : std::uint8_t {
  pre = 0,       ///< asks whether the member would vote; changes nothing; the message has the term that would begin
  normal = 1,    ///< refused by members that receive a leader's messages
  transfer = 2,  ///< requested by the leader, which has given up its lease
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
  std::uint64_t sequence = 0;  ///< of the leader's messages to this follower; the response repeats it
  std::vector<Entry> entries;
};
struct AppendReply {
  bool accepted = false;
  Index match;     ///< accepted: durable up to there and equal to the leader's. Otherwise: the request's `previous`
  Index hint;      ///< not accepted: the logs may agree up to there …
  Term hint_term;  ///< … where the follower has this term
  std::uint64_t sequence = 0;
};
/// The index up to which a follower may apply, if no entries carry it. Has no response: the next heartbeat repeats it.
struct Commit {
  Index index;  ///< at most what this follower has acknowledged
};
struct Heartbeat {
  Index commit;  ///< at most what this follower has acknowledged
  Round round;
  std::uint64_t sequence = 0;
  base::Duration quiet{};  ///< if not 0: the group sleeps; the next heartbeat comes in this time (at most kQuietMax)
};
struct HeartbeatReply {
  Round round;
  Index durable;
  base::Duration clock{};  ///< the follower's monotonic time, for its rate
  std::uint64_t sequence = 0;
  bool short_of_room = false;  ///< its device is nearly full
};
/// The follower fetches the snapshot from the sender, and then acknowledges it with AppendReply.
struct InstallSnapshot {
  Snapshot snapshot;
  std::uint64_t sequence = 0;
};
struct TimeoutNow {};
/// A follower in a sleeping group asks whether its leader is there.
struct Wake {};
struct ReadRequest {
  ReadId id;
};
struct ReadReply {
  ReadId id;
  Index index;  ///< the read is linearizable on a state that has applied this index
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
  other_member,              ///< for another node or incarnation, or from this member
  other_epoch,               ///< from the cluster before or after `recover --force-new-cluster`
  malformed,                 ///< fields out of range or contradictory
  conflicts_with_committed,  ///< would change entries committed here: this member or the sender lost or forged state
  two_leaders,               ///< two members claim to lead in one term
  not_leader,                ///< a TimeoutNow or a snapshot from a member that does not lead
  unknown_member,            ///< a response from a node outside the configuration
  behind,                    ///< this member does not have what the leader believes it acknowledged
  unasked,                   ///< a response without a request
};

/// Returns what is wrong with it for the member `self` of a group in `epoch`, or nullopt if it is well-formed.
std::optional<Rejected> flaw(const Message& message, const MemberId& self, Epoch epoch);

}  // namespace troupe::raft
