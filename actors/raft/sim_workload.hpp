#pragma once
// The domain `raft` in one world: one group, clients at any node, and what must hold after each event.
//
// Breaks  one-leader    two members lead in one term
//         committed     two members have committed different entries at one index
//         alike         two members differ after the same index
//         linearizable  what clients were told has no order that explains it
//         once          a retry was answered otherwise, or applied again
//         durable       a leader commits what the disks of a majority do not have
//         leases        a lease ended before its time, or did not end in it
//         held          a member goes on without what it had on its disk and was committed; where a byte of the disk
//                       may have changed, without what had a record behind it
//         named         beyond what is promised: members go on to serve different states
// Members a person adds and removes some; a node whose disk was emptied is another node: a person removes the old one,
//         and adds the new one.
// Whole   if a quorum has lost nothing: each member that has lost nothing has the leader's state, and answers; no
//         member is a node that is no more.
// Older   a member may go back to an older copy of its disk while a majority of the others has all that any member has:
//         Raft promises nothing otherwise. Its leader brings it up, unless the copy is from before it joined.
// Lost    a member that lost its log takes part no more: a majority is left by the draw, and by those who remove.
// Beyond  syncs may lie, so nothing is promised but that who differs stops: the others above are not looked at.
// Owner   one world.
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

inline constexpr std::chrono::seconds kSimWait{20};  // our choice: several elections of slow nodes
inline constexpr std::chrono::seconds kSimLeaseSlack{
    10};                                 // our choice: until a leader has committed the end of a lease
inline constexpr int kSimClockPart = 8;  // our choice: clocks of worlds drift by a tenth
inline constexpr const char* kSimGroup = "world";
inline constexpr std::chrono::seconds kSimNamedWithin{60};  // issue: how long two may serve different states

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
  /// Without that node, if one is given.
  bool on_majority(Index index, const Configuration& configuration, std::optional<std::size_t> without = {}) const;
  void write(std::size_t node, const std::string& key, sim::Did did, const sim::Value& value,
             const sim::Value& expected, const std::string& request, std::function<void(std::uint64_t)> then);
  void read(std::size_t node, const std::string& key, std::function<void(bool)> then);
  /// Whether clients know it as a member, now or once.
  bool member(std::size_t node) const { return node < members_ || seen_.contains(node); }
  /// Of the member whose log is ahead of all others that have lost nothing; if none runs, what was known last; null
  /// before the first one runs.
  const Configuration* configuration() const;
  /// The node that this member lives on, if it has all that it ever acknowledged.
  std::optional<std::size_t> whole(const MemberId& member) const;
  /// The nodes of all members that are whole, if they are a quorum.
  std::vector<std::size_t> whole() const;
  /// One that was granted, and is not kept.
  struct Lease {
    kv::LeaseId id;
    base::Duration asked, lasts;
    std::optional<Index> seen{};           // a member had it after that, the first that is known
    base::Duration begun{};                // in the group's time then
    std::optional<base::Duration> late{};  // since when the present leader should have ended it
  };
  std::string fresh() { return "v" + std::to_string(++values_); }

  const bool beyond_;
  sim::History history_;
  std::size_t members_ = 0;  // the first ones; 0: the group was not asked for yet
  bool made_ = false;
  std::uint64_t values_ = 0, requests_ = 0;
  std::map<std::string, sim::Value> read_last_;
  std::map<std::uint64_t, MemberId> leaders_;         // by term
  std::map<MemberId, Index> held_;                    // committed, and durable at this member
  std::map<MemberId, Index> covered_;                 // of that, what other records lie behind
  std::map<std::size_t, std::uint64_t> syncs_;        // of each node's logs
  std::map<MemberId, Index> durable_;                 // the most that its disk ever had
  std::map<std::uint64_t, std::uint64_t> committed_;  // term of each index
  std::map<std::uint64_t, std::uint64_t> hashes_;     // after each index
  std::map<std::size_t, Seen> seen_;
  Configuration known_;  // of the latest term that was seen
  Term known_term_;
  std::map<std::size_t, base::NodeId> joined_;                           // who a node was when it became a member
  std::map<std::pair<std::size_t, std::size_t>, base::Duration> apart_;  // members that serve different states, since
  std::vector<Lease> leases_;
  base::Duration group_time_{};  // the latest in a command, and under which leader
  std::pair<std::size_t, Term> group_time_by_;
  std::optional<base::Duration> healed_;
  std::set<std::size_t> answered_;  // nodes that read after the faults
  std::set<std::size_t> asking_;
  std::optional<std::size_t> mending_;  // where a person asks for it
  bool closing_ = false, checked_ = false;
  std::size_t final_reads_ = 0;
};

}  // namespace troupe::raft
