#pragma once
// The groups of this node: makes them, joins them, and starts them again. Root of the domain, at kPath.
//
// Spawns  `log` and `snapshots` (threads of their own), and an actor for each group.
// Rows    one row per group, saved before its actor begins. A member's row is written after the first record of its
//         log, so a row without a log shows a loss.
// Lost    a member that has lost its log continues under the next incarnation, without entries. It asks the other
//         members to add it in place of its predecessor.
// Make    the node that receives InitGroup asks each member to prepare: the member draws and stores its log's
//         incarnation. Then the node builds the configuration, and asks each member to begin. A repeated request
//         resumes an interrupted attempt.
// Trust   nodes that may make this node a member: operators, `raft.invites`, nodes on loopback.
// Guests  give this node's clients access to groups of linked nodes (guest_actor.hpp).
// Limits  RaftSettings::groups_max, including prepared rows; kGuestsMax.
#include <map>
#include <string>

#include "actors/raft/api.hpp"
#include "actors/raft/group_row.hpp"
#include "actors/raft/settings.hpp"
#include "messages/common.capnp.h"
#include "messages/raft.capnp.h"
#include "runtime/actor/followers.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::raft {

class RaftActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "raft";
  static constexpr std::size_t kGuestsMax = 64;  // our choice
  explicit RaftActor(SharedSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override { rows_.check(); }
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;

 private:
  struct RowsAgain {};
  using Nothing = runtime::Reply<messages::wire::Nothing>;
  struct Making;

  void loaded();
  template <class Q, class A>
  void serve(runtime::Handlers& on, void (RaftActor::*handler)(typename Q::Reader, runtime::Reply<A>));
  bool invited(runtime::AnyReply& reply);
  base::Endpoint own_address() const { return settings_->endpoint(); }

  void init(wire::InitGroup::Reader ask, runtime::Reply<wire::GroupMade> reply);
  void prepare_all(const std::shared_ptr<Making>& making);
  void prepared(const std::shared_ptr<Making>& making, const base::NodeId& node, const base::Outcome<GroupRow>& answer);
  void found_all(const std::shared_ptr<Making>& making);
  void made(const std::shared_ptr<Making>& making, const base::NodeId& node, const base::Outcome<void>& answer);

  void prepare(const std::string& group, base::Callback<void(base::Outcome<GroupRow>)> done);
  void found(const std::string& group, const Configuration& configuration,
             base::Callback<void(base::Outcome<void>)> done);
  void prepare_for(wire::PrepareMember::Reader ask, runtime::Reply<wire::MemberPrepared> reply);
  void found_for(wire::FoundGroup::Reader ask, Nothing reply);
  void join_for(wire::JoinGroup::Reader ask, Nothing reply);
  void begin(const std::string& group, GroupRow row, base::Callback<void(base::Outcome<void>)> done);
  void save(const std::string& group, const GroupRow& row, base::Callback<void(base::Outcome<void>)> done);
  void start_group(const std::string& group);
  void restart_group(const std::string& group);
  void told_members(wire::MembersAre::Reader told);
  void told_loss(wire::LostLog::Reader told);
  void told_epoch(wire::NewEpoch::Reader told, Nothing reply);
  void keep_members();
  void name_partners();
  void reach(wire::ReachGroup::Reader ask, Nothing reply);
  void list(wire::ListGroups::Reader ask, runtime::Reply<wire::Groups> reply);

  const SharedSettings settings_;
  store::Rows rows_;
  runtime::Followers<wire::FollowGroups, wire::GroupsChanged> followers_;
  bool loaded_ = false;
  std::map<std::string, GroupRow> groups_;
  std::map<std::string, Incarnation> beginning_;  // groups whose row or first record is being written
  runtime::Handle log_, snapshots_;
  std::map<std::string, runtime::Handle> actors_;
  std::set<std::string> restarting_;
  std::map<std::string, runtime::Handle> guests_;
  std::set<std::string> begins_after_guest_;  // groups that this node has since become a member of
};

}  // namespace troupe::raft
