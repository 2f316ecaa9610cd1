// The leader of a group.
#include "actors/raft/group_actor.hpp"
#include "actors/raft/replicator_actor.hpp"
#include "actors/raft/wire.hpp"

namespace troupe::raft {

void LeaderBehaviour::begin() {
  members_changed();
  group_.machine().leads(true);
}

void LeaderBehaviour::end() {
  for (const auto& [member, replicator] : replicators_) group_.stop_replicator(replicator.actor);
  replicators_.clear();
  group_.machine().leads(false);
}

void LeaderBehaviour::submit(std::shared_ptr<Submission> submission) { group_.propose(std::move(submission)); }

void LeaderBehaviour::say(const Message& message) {
  const auto found = replicators_.find(message.to);
  if (found == replicators_.end()) return group_.say_directly(message);
  group_.say_through(found->second.actor, message);
}

void LeaderBehaviour::members_changed() {
  const auto& seats = group_.core().log().configuration().seats;
  std::erase_if(replicators_, [&](const auto& one) {
    const auto seat = seats.find(one.first);
    if (seat != seats.end() && seat->second.address == one.second.at) return false;
    group_.stop_replicator(one.second.actor);
    return true;
  });
  for (const auto& [member, seat] : seats)
    if (member != group_.core().self() && !replicators_.contains(member))
      replicators_.emplace(member, Replicator{seat.address, group_.start_replicator(member, seat.address)});
}

}  // namespace troupe::raft
