#pragma once
// What a group's actor does in each role of Raft: where it sends commands, and which actor sends its messages.
#include <map>
#include <memory>
#include <string_view>

#include "actors/raft/api.hpp"

namespace troupe::raft {

class GroupActor;

class RoleBehaviour {
 public:
  explicit RoleBehaviour(GroupActor& group) : group_(group) {}
  virtual ~RoleBehaviour() = default;
  virtual std::string_view name() const = 0;
  virtual void begin() {}
  virtual void end() {}
  virtual void submit(std::shared_ptr<Submission> submission) = 0;
  virtual void say(const Message& message) = 0;
  /// Called if the members may have changed.
  virtual void members_changed() {}

 protected:
  GroupActor& group_;
};

/// Commands go to the leader. Without a leader they wait.
class FollowerBehaviour : public RoleBehaviour {
 public:
  using RoleBehaviour::RoleBehaviour;
  std::string_view name() const override { return "follower"; }
  void submit(std::shared_ptr<Submission> submission) override;
  void say(const Message& message) override;
};

/// Commands wait for the end of the election.
class CandidateBehaviour final : public FollowerBehaviour {
 public:
  using FollowerBehaviour::FollowerBehaviour;
  std::string_view name() const override { return "candidate"; }
  void submit(std::shared_ptr<Submission> submission) override;
};

/// Proposes commands. A replicator for each other member sends its messages.
class LeaderBehaviour final : public RoleBehaviour {
 public:
  using RoleBehaviour::RoleBehaviour;
  std::string_view name() const override { return "leader"; }
  void begin() override;
  void end() override;
  void submit(std::shared_ptr<Submission> submission) override;
  void say(const Message& message) override;
  void members_changed() override;

 private:
  struct Replicator {
    base::Endpoint at;
    runtime::Handle actor;
  };
  std::map<MemberId, Replicator> replicators_;
};

std::unique_ptr<RoleBehaviour> behaviour_of(Role role, GroupActor& group);

}  // namespace troupe::raft
