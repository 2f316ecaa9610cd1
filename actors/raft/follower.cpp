// A follower of a group.
#include "actors/raft/group_actor.hpp"

namespace troupe::raft {

void FollowerBehaviour::submit(std::shared_ptr<Submission> submission) {
  const runtime::Handle leader = group_.leader();
  if (!submission->forward || !leader) return group_.park(std::move(submission));
  auto& forward = submission->forward;
  forward(submission, leader);
}

void FollowerBehaviour::say(const Message& message) { group_.say_directly(message); }

}  // namespace troupe::raft
