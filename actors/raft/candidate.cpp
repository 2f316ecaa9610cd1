// A candidate: it asks for votes and knows no leader.
#include "actors/raft/group_actor.hpp"

namespace troupe::raft {

void CandidateBehaviour::submit(std::shared_ptr<Submission> submission) { group_.park(std::move(submission)); }

std::unique_ptr<RoleBehaviour> behaviour_of(Role role, GroupActor& group) {
  switch (role) {
    case Role::follower: return std::make_unique<FollowerBehaviour>(group);
    case Role::candidate: return std::make_unique<CandidateBehaviour>(group);
    case Role::leader: return std::make_unique<LeaderBehaviour>(group);
  }
  return nullptr;
}

}  // namespace troupe::raft
