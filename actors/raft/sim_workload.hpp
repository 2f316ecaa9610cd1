#pragma once
// The domain `raft` in one simulation run: one group, clients at any node, and the invariants after each event.
//
// Breaks  one-leader    two members lead in one term
//         committed     two members have committed different entries at one index
//         alike         two members differ after the same index
//         linearizable  no order of operations explains the responses to clients
//         once          a retry got another response, or was applied again
//         durable       a leader commits entries that the disks of a majority lack
//         leases        a lease ended early, or did not end in time
//         held          a member continues without committed entries that its disk had; if a byte of the disk may have
//                       changed, only entries with a later record count
//         named         beyond the promises: members keep serving different states
// Members an operator adds and removes members; a node whose disk was emptied is a new node, which replaces the old.
// Whole   if a quorum of members has lost nothing: each member without losses has the leader's state and responds; each
//         member's node still exists.
// Older   a member may return to an older copy of its disk if a majority of the other members has all entries;
//         otherwise Raft promises nothing. Its leader brings it up to date, unless the copy is from before it joined.
// Lost    a member that lost its log no longer takes part. Faults and removals leave a majority.
// Beyond  syncs may lie: only `named` is checked, that members with different states stop.
// Owner   one run.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/raft/kv_service.hpp"
#include "actors/raft/logic/configuration.hpp"
#include "messages/raft.capnp.h"
#include "runtime/sim/clients.hpp"
#include "runtime/sim/history.hpp"

namespace troupe::raft {

inline constexpr std::chrono::seconds kSimWait{20};        // our choice: several elections of slow nodes
inline constexpr std::chrono::seconds kSimLeaseSlack{10};  // our choice: time for a leader to commit the end of a lease
inline constexpr int kSimClockPart = 8;                    // our choice: clocks in runs drift by a tenth
inline constexpr const char* kSimGroup = "world";
inline constexpr std::chrono::seconds kSimNamedWithin{60};  // issue: how long two members may serve different states

class RaftWorkload final : public sim::Workload, private sim::Clients<sim::Client> {
 public:
  RaftWorkload(sim::Nodes& nodes, const sim::Scenario& scenario);

  void perform(const sim::Operation& operation) override;
  void died(std::size_t node) override;
  bool may_go_back(std::size_t node) const override;
  void handled(std::size_t node, std::string_view path, const runtime::Actor& actor) override;
  void probe() override;
  std::vector<std::string> waits() const override;
  void close() override;

 private:
  struct Seen {
    MemberId self;
    Index applied, commit, last;
    Term last_term;
    Configuration configuration;
    Index configuration_index;
    bool leads = false, serves = false;
    std::map<std::uint64_t, std::uint64_t> hashes{};  // beyond: after each index
  };
  void init(std::size_t members);
  void change(std::size_t node, wire::MemberChange what, const base::NodeId& who, std::size_t who_node, bool learner,
              std::function<void()> then);
  void mend(std::size_t who);
  void compare(std::size_t node);
  void lease(std::size_t node, std::int64_t seconds);
  std::optional<Configuration> note_log(std::size_t node, Seen& seen, const Raft& core);
  void check_held(std::size_t node, const Raft& core);
  void check_commit(std::size_t node, Seen& seen, const Raft& core, const std::optional<Configuration>& before);
  void look_at_leases(std::size_t node, const KvService& keys, Index applied, std::optional<Term> leads);
  /// Returns whether a majority's disks have the entry at `index`. The disk of `without` does not count.
  bool on_majority(Index index, const Configuration& configuration, std::optional<std::size_t> without = {}) const;
  void write(std::size_t node, const std::string& key, sim::Did did, const sim::Value& value,
             const sim::Value& expected, const std::string& request, std::function<void(std::uint64_t)> then);
  void read(std::size_t node, const std::string& key, std::function<void(bool)> then);
  /// Returns whether clients know the node as a current or former member.
  bool member(std::size_t node) const { return node < members_ || seen_.contains(node); }
  /// Returns the configuration of the member that is furthest ahead among those without losses. If none runs, returns
  /// the last known, or null before the first member runs.
  const Configuration* configuration() const;
  /// Returns this member's node, if it has everything that it ever acknowledged.
  std::optional<std::size_t> whole(const MemberId& member) const;
  /// Returns the nodes of all whole members, if they form a quorum.
  std::vector<std::size_t> whole() const;
  /// A lease that was granted and is not kept.
  struct Lease {
    kv::LeaseId id;
    base::Duration asked, lasts;
    std::optional<Index> seen{};           // the first known index at which a member had it
    base::Duration begun{};                // in the group's time at that index
    std::optional<base::Duration> late{};  // since when the current leader should have ended it
  };
  std::string fresh() { return "v" + std::to_string(++values_); }

  const bool beyond_;
  sim::History history_;
  std::size_t members_ = 0;  // number of founding nodes; 0: no group was requested yet
  bool made_ = false;
  std::uint64_t values_ = 0, requests_ = 0;
  std::map<std::string, sim::Value> read_last_;
  std::map<std::uint64_t, MemberId> leaders_;         // by term
  std::map<MemberId, Index> held_;                    // committed, and durable at this member
  std::map<MemberId, Index> covered_;                 // as held_, but only entries followed by other records
  std::map<std::size_t, std::uint64_t> syncs_;        // number of syncs of each node's logs
  std::map<MemberId, Index> durable_;                 // the highest index that its disk ever had
  std::map<std::uint64_t, std::uint64_t> committed_;  // term of each index
  std::map<std::uint64_t, std::uint64_t> hashes_;     // of the state after each index
  std::map<std::size_t, Seen> seen_;
  Configuration known_;  // the configuration of the latest term seen
  Term known_term_;
  std::map<std::size_t, base::NodeId> joined_;                           // a node's id when it became a member
  std::map<std::pair<std::size_t, std::size_t>, base::Duration> apart_;  // members that serve different states, and
                                                                         // since when
  std::vector<Lease> leases_;
  base::Duration group_time_{};                 // the latest time in a command
  std::pair<std::size_t, Term> group_time_by_;  // the leader of that command
  std::optional<base::Duration> healed_;
  std::set<std::size_t> answered_;  // nodes that served a read after the faults
  std::set<std::size_t> asking_;
  std::optional<std::size_t> mending_;  // the node where an operator requests the replacement
  bool closing_ = false, checked_ = false;
  std::size_t final_reads_ = 0;
};

}  // namespace troupe::raft
