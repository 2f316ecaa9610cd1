#pragma once
// One member of a group as an actor: the core of Raft, its disks, its lines to the other members, and its machine.
//
// Life    opening: reads snapshot and log. serving: the core runs. recovering: this member has lost something that it
//         acknowledged, and no longer takes part under this incarnation. The only member of a group keeps what its disk
//         still has, and refuses all requests.
// Batch   handles all messages in the mailbox, then asks the core once for work (pump()).
// Disk    never waited for: `/raft/log` reports what is durable. After an error the member reopens, because its memory
//         may be ahead of its disk.
// Roles   role_behaviour.hpp; the object changes with the core's role.
// Trust   only messages of members: members in the configuration known here, or vouched for by such a member.
// Limits  Settings; kParkedMax commands that wait for a leader.
#include <deque>
#include <list>
#include <map>
#include <set>

#include "actors/raft/line.hpp"
#include "actors/raft/logic/hashes.hpp"
#include "actors/raft/logic/raft.hpp"
#include "actors/raft/logs.hpp"
#include "actors/raft/role_behaviour.hpp"
#include "actors/raft/settings.hpp"
#include "messages/common.capnp.h"
#include "messages/raft.capnp.h"

namespace troupe::raft {

inline constexpr std::size_t kParkedBytesMax = std::size_t{64} << 20;  // our choice
inline constexpr std::size_t kParkedMax = 10'000;                      // our choice
inline constexpr std::chrono::seconds kLookUpPeriod{1};                // our choice
inline constexpr std::chrono::milliseconds kSweepPeriod{50};           // our choice: delay until a time-out is reported
inline constexpr std::chrono::milliseconds kFetchRetry{200};           // our choice
inline constexpr std::size_t kLogPageBytes = std::size_t{2} << 20;     // per response while the log is read

class GroupActor final : public runtime::Actor, public Group {
 public:
  static constexpr const char* kName = "raft group";
  /// A group in `/raft`'s table.
  struct Setup {
    std::string name;
    MemberId self;
    Epoch epoch;
    std::optional<Configuration> founding;  ///< nullopt: it has joined, and knows nothing without a snapshot
    Incarnation lost = 0;                   ///< the member that it replaces; 0: none
    std::optional<Configuration> known{};   ///< members to ask
    SharedSettings settings;
  };
  explicit GroupActor(Setup setup);
  ~GroupActor() override;

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;

  // Group
  void submit(std::shared_ptr<Submission> submission) override;
  void park(std::shared_ptr<Submission> submission) override;
  void read(base::Instant due, base::Callback<void(base::Outcome<void>)> ready) override;
  bool serves() const override { return raft_ != nullptr; }
  bool leads() const override { return raft_ && raft_->role() == Role::leader; }
  Term term() const override { return raft_ ? raft_->term() : Term{}; }
  std::uint64_t incarnation() const override { return setup_.self.incarnation; }
  runtime::Handle leader() override;
  bool has(const base::NodeId& node) const override;

  // For the behaviours of its roles.
  void propose(std::shared_ptr<Submission> submission);
  void say_directly(const Message& message);
  void say_through(const runtime::Handle& replicator, const Message& message);
  runtime::Handle start_replicator(const MemberId& member, const base::Endpoint& at);
  void stop_replicator(const runtime::Handle& replicator) { stop_child(replicator); }
  StateMachine& machine() { return *machine_; }
  /// For simulations. Null while it does not serve.
  const Raft* running() const { return raft_.get(); }
  Index applied() const { return applied_; }
  const StateMachine& machine() const { return *machine_; }
  std::uint64_t hash() const { return machine_->hash(); }
  const Setup& setup() const { return setup_; }
  const Raft& core() const { return *raft_; }

 private:
  struct Pump {};
  struct Tick {};
  struct Sweep {};
  struct Open {};
  struct FetchOn {};
  struct Tend {};
  struct AskIn {};
  struct TellLoss {};
  struct CompareHashes {};
  /// Members that do not count towards a quorum.
  struct Uncounted {
    std::vector<std::pair<MemberId, Index>> behind{};  ///< have lost acknowledged entries, up to that index
    std::vector<MemberId> silent{};
    bool empty() const { return behind.empty() && silent.empty(); }
    friend bool operator==(const Uncounted&, const Uncounted&) = default;
  };
  using Nothing = runtime::Reply<messages::wire::Nothing>;
  struct Waiting {
    Term term;
    std::shared_ptr<Submission> submission;
  };
  struct ReadWaiting {
    base::Instant due;
    base::Callback<void(base::Outcome<void>)> ready;
  };
  struct Fetching {
    MemberId from;
    Snapshot snapshot;
    std::uint64_t offset = 0;
    bool asked = false;
  };
  struct ChangeAsked {
    wire::MemberChange change;
    base::NodeId node;
    std::string endpoint;
    bool learner = false, forwarded = false;
    base::Instant due;
    Nothing reply;
  };
  struct Changing {
    MemberId member;
    wire::MemberChange change;
    Index index;
    base::Instant due;
    Nothing reply;
  };

  // Opening (group_actor_open.cpp).
  void open();
  void found_snapshot(Snapshot snapshot, bool has_file);
  void load_chunk(const Snapshot& snapshot, std::uint64_t offset, base::Callback<void()> loaded);
  void open_log(Snapshot snapshot);
  void read_log(std::shared_ptr<Restored> restored, Index from, Index last, bool fresh);
  void opened(Restored restored, bool restarts, bool raised);
  void reopen(const base::Error& why);
  void stop_serving(const std::string& why);
  void recovering(std::string why);
  bool only_member() const;
  template <class A>
  bool failed(std::uint64_t run, const runtime::Answer<A>& answer);

  // The core (group_actor.cpp).
  void take(wire::Talk::Reader talk);
  bool comes_from(const MemberId* from);
  const Configuration* told_members() const;
  bool trusts(const MemberId& member);
  void look_up();
  void pump_soon();
  void stir();
  void pump();
  void perform(Output& out);
  void apply(const std::vector<Entry>& entries);
  void note(const Event& event);
  void save(const Save& save);
  void load(const Load& load);
  void ask_reads();
  void resubmit();
  void sweep();
  void arm();
  void change_role();
  void follow(runtime::Sink<wire::GroupRole> sink);
  void tell_role();

  // Snapshots (group_actor_snapshots.cpp).
  void snapshot_if_due();
  void begin_snapshot(Nothing reply);
  void take_snapshot(Nothing reply);
  void write_chunk(bool first);
  void end_snapshot();
  void snapshot_ended(Snapshot snapshot, std::vector<Nothing> replies);
  void fetch(const Fetch& fetch);
  void fetch_next();
  void fetched(base::ByteView bytes);
  void install();
  void serve_snapshot(wire::FetchSnapshot::Reader ask, runtime::Reply<wire::SnapshotBytes> reply);
  void look_at_snapshot();
  void complain();

  // Comparing the states of all members (group_actor_hashes.cpp).
  void note_hash();
  void compare_hashes();
  void tell_hashes(const MemberId& to, Index index, const std::function<void(wire::StateHashes::Builder)>& write_body);
  void take(wire::StateHashes::Reader told);
  void answer_hashes();
  void contradicted(const MemberId& leader);
  void settle_hashes();
  void differs(Index index, const char* what, bool others);

  // Operators (group_actor_operators.cpp).
  void describe(wire::GroupStatus::Builder out);
  void change(wire::ChangeMember::Reader ask, Nothing reply);
  void change(ChangeAsked asked);
  void change_later(ChangeAsked asked);
  base::Error no_member(const base::NodeId& node) const;
  bool knows_of(const Configuration& founding) const;
  void add(const base::NodeId& node, const base::Endpoint& at, bool learner, base::Instant due, Nothing reply);
  void change_now(wire::MemberChange what, std::vector<Change> changes, base::Instant due, Nothing reply);
  void look_at_changes();

  // The group's health (group_actor_health.cpp).
  void judge();
  std::string complaint() const;
  bool is_leaderless(base::Duration period) const;
  std::vector<MemberId> silent_voters() const;
  base::Duration silent_for(const MemberId& member) const;
  bool lacks_leader() const;
  std::string why_no_leader() const;
  std::string uncounted_text() const;
  std::string who_answers(const std::vector<MemberId>& silent) const;
  void set_gauge();
  void tell_uncounted(Uncounted uncounted);
  void take(wire::MembersBehind::Reader told);
  void ask_membership();
  void answer_membership(wire::AskMembership::Reader ask, runtime::Reply<wire::Membership> reply);
  std::string left_out() const;

  // Losses (group_actor_recover.cpp).
  void tell_loss();
  void tell_members();
  void ask_in();
  void replace(wire::ReplaceMember::Reader ask, Nothing reply);
  void recover(wire::RecoverGroup::Reader ask, runtime::Reply<wire::Recovery> reply);
  void new_epoch(Epoch epoch, bool restart, runtime::Reply<wire::Recovery> reply,
                 base::Callback<void(runtime::Reply<wire::Recovery>)> then);

  const RaftSettings& settings() const { return *setup_.settings; }
  std::string path_here() const { return path_of(setup_.name); }
  Line* line_to(const MemberId& member);
  runtime::Handle handle_to(const MemberId& member);

  /// The last update sent to a stream that follows the group's role.
  struct Told {
    bool leads = false;
    Term term{};
    std::optional<base::NodeId> leader{};
    Index configuration{};
    friend bool operator==(const Told&, const Told&) = default;
  };
  struct Follower {
    runtime::Sink<wire::GroupRole> sink;
    std::optional<Told> told{};
    bool over = false;
  };

  const Setup setup_;
  std::unique_ptr<StateMachine> machine_;
  std::unique_ptr<Raft> raft_;  // null while opening and recovering
  std::unique_ptr<RoleBehaviour> role_;
  std::string why_not_ = "it is being opened";  // the reason why it does not serve; empty if it does
  bool recovering_ = false;
  std::uint64_t run_ = 0;  // number of the opening; responses for earlier openings are ignored
  runtime::Handle log_, snapshots_;

  std::list<Follower> followers_;
  std::map<MemberId, Line> lines_;
  std::set<MemberId> vouched_for_;  // by members known here, which may know of later additions
  base::Instant look_up_at_{};
  std::size_t looked_up_ = 0;
  std::map<Index, Waiting> waiting_;
  std::deque<std::shared_ptr<Submission>> parked_;
  std::size_t parked_bytes_ = 0;
  std::vector<ReadWaiting> reads_;
  std::map<ReadId, std::vector<ReadWaiting>> reads_asked_;
  std::multimap<Index, std::vector<ReadWaiting>> reads_ready_;
  bool sweeping_ = false;
  Index applied_;
  std::uint64_t applied_bytes_ = 0;  // applied since the snapshot
  Index configuration_index_;

  struct Taking {
    Snapshot snapshot;
    std::unique_ptr<ChunkSource> chunks;
    std::vector<Nothing> replies;
  };
  std::optional<Taking> taking_;
  base::Instant snapshot_at_{};         // time before which no snapshot is taken
  base::Instant snapshot_looked_at_{};  // last check for corruption
  bool looking_at_snapshot_ = false;
  std::optional<Fetching> fetching_;
  bool installing_ = false;
  RecentHashes hashes_;
  std::optional<HashPoll> poll_;
  Index compared_;          // index that this member compared last as leader
  bool comparing_ = false;  // CompareHashes is set
  std::optional<std::pair<MemberId, Index>> hash_asked_;
  std::optional<base::Instant> contradicted_;  // time of the last contradiction by its leader
  std::vector<ChangeAsked> changes_asked_;     // changes that wait for a leader
  std::vector<Changing> changes_;
  std::uint64_t replicators_ = 0;  // total ever started, for names: a name is free only after its actor has ended
  std::size_t asked_in_ = 0;       // members that were asked to add this member
  Uncounted uncounted_;            // found or reported by the leader
  base::Instant uncounted_at_{};   // time of the last report
  std::optional<base::Instant> leaderless_;
  base::Instant membership_at_{};  // time of the next request
  std::set<MemberId> say_removed_;
  std::string complaint_;  // the reason that the node's health shows
  std::optional<GroupGauges::Gauge> gauge_;
};

}  // namespace troupe::raft
