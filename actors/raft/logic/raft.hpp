#pragma once
// The core of one group at one member: takes inputs, time and chance; returns what to save, send, apply and read.
//
// Source  Ongaro, "Consensus: Bridging Theory and Practice", 2014, with his correction of single-server changes, 2015;
//         etcd-io/raft for flow control and asynchronous writes.
// Duty    of the caller, after inputs: take(), and then
//         1. make `save` durable, saves in the order of their numbers, and report each with saved();
//         2. send `messages`. A message with a promise is returned only after the save that it rests on was reported;
//         3. apply `apply` in order, and report with applied().
//         Reporting other work breaks an invariant. Invalid input from peers or files does not: it is refused.
// Time    monotonic; call tick() at wake_at() or later. Early and repeated calls are harmless.
// Roles   a follower knows at most one leader; a candidate asks for pre-votes, then votes; a leader has a Progress for
//         each other member.
// Limits  Settings. Owner: the group's actor; not thread-safe.
#include <functional>
#include <map>
#include <set>
#include <variant>

#include "actors/raft/logic/lease.hpp"
#include "actors/raft/logic/output.hpp"
#include "actors/raft/logic/quorum.hpp"
#include "actors/raft/logic/reads.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/random.hpp"

namespace troupe::raft {

/// The state of a member at its start. All of it is durable: the caller syncs the files that it read, because an
/// earlier run may have left unsynced writes.
struct Restored {
  MemberId self;
  Epoch epoch;
  HardState state;
  Log log;        ///< its window has all entries after `applied`
  Index applied;  ///< index up to which the state machine has durably applied

  /// Returns false if the state machine is ahead of the log. The log has then lost entries, and the member is
  /// recovering.
  bool consistent() const {
    return applied >= log.snapshot().index && applied <= log.last() && log.window_first() <= applied.next() &&
           state.term >= log.last_term() && state.term.value <= kNumberMax;
  }
};

class Raft {
 public:
  /// Requires that `from` is consistent(). `chance` draws the election time-outs.
  Raft(const Settings& settings, Restored from, base::Instant now, base::Random chance);

  /// Sets the mutants; `mutations` outlives this object. Without a call there are none.
  void plant(const base::Mutations& mutations) { mutations_ = &mutations; }

  void tick(base::Instant now);
  base::Instant wake_at() const;

  /// Handles a peer's message. After `Rejected` nothing has changed, but there may be a response to send.
  base::Result<void, Rejected> receive(const Message& message, base::Instant now);

  /// Appends a command, if this member leads.
  base::Result<Position, Refused> propose(Payload command, base::Instant now);
  /// Appends a change of members, with a joint step if more than one voter changes. A new voter begins as a learner and
  /// is promoted once it has caught up.
  base::Result<Position, Refused> change(const std::vector<Change>& changes, base::Instant now);
  /// Requests a state that is recent enough for a read that begins now. The result is in `reads` or `reads_failed`.
  base::Result<ReadId, Refused> read(base::Instant now);
  /// Hands leadership to `target` once it has all entries. Gives up after one election time-out.
  base::Result<void, Refused> transfer(const MemberId& target, base::Instant now);

  /// Wakes a sleeping group for a while. A follower asks its leader for a sign of life, and waits only as long as in a
  /// group that is awake. Returns whether the group slept.
  bool stir(base::Instant now);

  /// Records that the members report the removal of this member. It does not campaign until it receives a leader's
  /// message.
  void removed(base::Instant now);
  bool is_removed() const { return removed_; }

  /// Sets whether this member's device is nearly full.
  void short_of_room(bool is) { short_of_room_ = is; }
  /// Returns whether this member, and a quorum if it leads, have space for commands that need some.
  bool has_room() const;

  void saved(SaveId id, base::Instant now);
  void applied(Index index);
  /// Supplies the entries that a Load requested, as far as the disk returned them.
  void loaded(const MemberId& member, Index from, std::vector<Entry> entries, base::Instant now);
  /// Call it when a fetched snapshot is complete. Until install_ended() no entries are returned for applying. Returns
  /// `unasked` if the state machine has already applied that index: do not use the snapshot.
  base::Result<void, Rejected> begin_install(const Snapshot& snapshot);
  /// Call it once per begin_install(): the state machine is durably at `snapshot`, or unchanged if nullopt. Returns
  /// `conflicts_with_committed` if entries committed since then show that the snapshot is forged: the state machine is
  /// then unusable.
  base::Result<void, Rejected> install_ended(const std::optional<Snapshot>& snapshot, base::Instant now);
  /// Begins the log after `snapshot`, which is durable. Its index is applied, and at most durable(). It may replace a
  /// snapshot of the same index.
  void compacted(Snapshot snapshot);
  /// Offers the newest snapshot to `member`, because the snapshot that it fetches from this member is gone.
  void snapshot_gone(const MemberId& member);

  /// Returns the work to do now.
  Output take(base::Instant now);

  Status status(base::Instant now) const;
  /// Returns what a commit waits for now, the deciding delay first; empty unless this member leads.
  std::vector<CommitDelay> commit_delays(base::Instant now) const;
  std::optional<MemberId> known_leader() const;
  /// Returns, at a leader, the members that have lost acknowledged entries, and the index that they had acknowledged.
  std::vector<std::pair<MemberId, Index>> behind() const;
  /// Returns when another member last responded: to a leader in this term, or to a vote request. Nullopt: never.
  std::optional<base::Instant> last_answer(const MemberId& member) const;
  /// Returns the other voters, or at a leader the other members, that have not responded since then.
  std::vector<MemberId> silent_since(base::Instant since) const;
  bool asleep(base::Instant now) const;
  bool transferring() const { return leader() && leader()->transfer; }
  Role role() const { return static_cast<Role>(role_.index()); }
  Term term() const { return state_.term; }
  Index commit() const { return state_.commit; }
  Index durable() const { return saves_.durable(); }
  const Log& log() const { return log_; }
  const MemberId& self() const { return self_; }

 private:
  struct Follower {
    std::optional<MemberId> leader;
  };
  struct Candidate {
    Campaign campaign = Campaign::pre;
    std::map<MemberId, bool> votes;
  };
  struct Transfer {
    MemberId target;
    base::Instant due;
    bool sent = false;
  };
  struct Leader {
    Index term_start;
    std::map<MemberId, Progress> progress;  // of all other members
    base::Instant heartbeat_due;
    std::optional<base::Instant> used{};  // last use by a client or a change; the group sleeps sleep_after later
    base::Instant awake_since;            // two election time-outs later, followers must have responded
    bool asleep = false;
    Round round;                               // the last round sent
    base::Instant round_sent{};                // when it was sent
    std::map<Round, base::Instant> rounds;     // send times of rounds that no quorum has answered yet
    std::optional<base::Instant> confirmed{};  // send time of the last round that a quorum has answered
    bool lease_given_up = false;               // for the whole term, once TimeoutNow was sent
    Reads reads{};
    ClockWatch clocks{};
    std::optional<Transfer> transfer{};
  };
  struct Held {
    SaveId after;
    Message message;
  };

  Follower* follower() { return std::get_if<Follower>(&role_); }
  Candidate* candidate() { return std::get_if<Candidate>(&role_); }
  Leader* leader() { return std::get_if<Leader>(&role_); }
  const Leader* leader() const { return std::get_if<Leader>(&role_); }
  bool planted(const char* bug) const { return mutations_->on(bug); }

  // raft.cpp
  void become_follower(Term term, std::optional<MemberId> leader, base::Instant now);
  void note(Event::What what, MemberId member = {});
  void send(const MemberId& to, Body body);
  void send_after(SaveId save, const MemberId& to, Body body);
  void release(base::Instant now);
  void give_out_applies(Output& out);
  void check() const;

  // receive.cpp
  using Taken = base::Result<void, Rejected>;
  bool disturbs(const Message& message, base::Instant now) const;
  void answer_older(const Message& message);
  Taken follow(const MemberId& from, base::Instant now);
  Taken on(const MemberId& from, const VoteRequest& ask, Term term, base::Instant now);
  Taken on(const MemberId& from, const VoteReply& reply, base::Instant now);
  Taken on(const MemberId& from, const Append& append, base::Instant now);
  Taken on(const MemberId& from, const AppendReply& reply, base::Instant now);
  Taken on(const MemberId& from, const Commit& told, base::Instant now);
  Taken on(const MemberId& from, const Heartbeat& beat, base::Instant now);
  Taken on(const MemberId& from, const HeartbeatReply& reply, base::Instant now);
  Taken on(const MemberId& from, const InstallSnapshot& install, base::Instant now);
  Taken on(const MemberId& from, const TimeoutNow& ask, base::Instant now);
  Taken on(const MemberId& from, const Wake& ask, base::Instant now);
  Taken on(const MemberId& from, const ReadRequest& ask, base::Instant now);
  Taken on(const MemberId& from, const ReadReply& reply, base::Instant now);

  // election.cpp
  void arm_election(base::Instant now);
  void campaign(Campaign how, base::Instant now);
  void count_votes(base::Instant now);
  bool hears_leader(base::Instant now) const;
  bool may_campaign() const;
  bool log_covers(const VoteRequest& ask) const { return log_.covered_by(ask.last, ask.last_term); }

  void acknowledge(const MemberId& to, Index match, std::uint64_t sequence);
  void refuse_append(const MemberId& to, const Append& append);
  void commit_to(Index index);

  // leader.cpp
  void become_leader(base::Instant now);
  void use(base::Instant now);
  void tick_leader(base::Instant now);
  Position append_own(EntryKind kind, Payload data, base::Instant now);
  void advance_commit(base::Instant now);
  bool may_sleep(base::Instant now) const;
  void begin_round(base::Instant now);
  void count_rounds();
  bool quorum_heard(base::Instant since) const;
  bool lease_holds(base::Instant now) const;
  void give_lead_to(const MemberId& target);
  void hand_over_if_stalled(base::Instant now);
  std::optional<MemberId> most_advanced() const;
  void lost(const MemberId& member, Progress& progress, Index durable, base::Instant now);
  void try_transfer();

  // replication.cpp
  void replicate(base::Instant now);
  void send_entries(const MemberId& to, Progress& progress, base::Instant now);
  void send_append(const MemberId& to, Progress& progress, std::vector<Entry> entries, base::Instant now);
  void offer_snapshot(const MemberId& to, Progress& progress, base::Instant now);

  // membership.cpp
  void adopt_configuration(base::Instant now);
  void tend_members(base::Instant now);
  Position append_configuration(const Configuration& next, base::Instant now);
  void promote_learner(base::Instant now);
  bool answers(const Progress& progress, base::Instant now) const;
  bool would_lose_quorum(const Configuration& next, base::Instant now) const;

  // reading.cpp
  void serve_reads(base::Instant now);
  void answer(const Read& read, Index index);
  void fail_reads();

  Settings settings_;
  MemberId self_;
  Epoch epoch_;
  HardState state_;
  Log log_;
  Saves saves_;
  base::Random chance_;
  const base::Mutations* mutations_ = &base::kNoMutations;
  std::variant<Follower, Candidate, Leader> role_;  // in the order of Role

  base::Instant started_;
  /// When a leader of any term was last heard; this member gives no vote until one time-out later. In a sleeping group
  /// it is in the future: when the leader's next message is due.
  std::optional<base::Instant> leader_heard_;
  base::Instant election_due_;
  std::optional<base::Instant> stall_transfer_;
  Smoothed disk_delay_;
  Index applied_, given_out_;
  bool installing_ = false, short_of_room_ = false, removed_ = false;
  std::map<MemberId, base::Instant> voters_heard_;  // current or former members of the configuration
  std::vector<Held> held_;
  ReadId read_;                                // the last id assigned
  std::map<ReadId, base::Instant> forwarded_;  // reads that were requested from the leader, and their deadlines
  Output out_;                                 // since the last take()
};

}  // namespace troupe::raft
