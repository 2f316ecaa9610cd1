// Changes of members: thesis chapter 4, with the correction of 2015 that a leader first commits an entry of its term.
#include "actors/raft/logic/raft.hpp"

namespace troupe::raft {

base::Result<Position, Refused> Raft::change(const std::vector<Change>& changes, base::Instant now) {
  const Leader* leads = leader();
  if (!leads) return known_leader() ? Refused::not_leader : Refused::no_leader;
  if (leads->transfer) return Refused::transferring;
  if (commit() < leads->term_start && !planted("raft.changes_before_its_term")) return Refused::term_not_begun;
  const Configuration& present = log_.configuration();
  if (log_.configuration_index() > commit() || present.joint()) return Refused::change_pending;
  if (changes.size() > kChangesMax) return Refused::bad_change;

  std::vector<Change> steps = changes;
  for (Change& step : steps) {
    if (step.kind != ChangeKind::voter) continue;
    const Seat* seat = present.find(step.member);
    const auto at = leads->progress.find(step.member);
    if ((seat && seat->voter) || (seat && at != leads->progress.end() && at->second.caught_up)) continue;
    step.kind = ChangeKind::learner;
    step.promote = true;
  }
  Changed next = change_simply(present, steps);
  if (!next.ok() && next.error() == ConfigurationError::needs_joint) next = enter_joint(present, steps, true);
  if (planted("raft.skips_joint_step") && next.ok() && next.value().joint()) next = leave_joint(next.value());
  if (!next.ok()) return Refused::bad_change;
  if (next.value() == present) return Refused::no_change;
  if (would_lose_quorum(next.value(), now)) return Refused::loses_quorum;
  return append_configuration(next.value(), now);
}

/// Members of a group that sleeps, or has just woken up, respond less often.
bool Raft::answers(const Progress& progress, base::Instant now) const {
  const base::Duration patience = 2 * settings_.election;
  const bool rests = leader()->asleep || now < leader()->awake_since + patience;
  return progress.heard + (rests ? kSleepingQuiet : patience) >= now;
}

bool Raft::would_lose_quorum(const Configuration& next, base::Instant now) const {
  return quorum_value(next, [&](const MemberId& id) -> std::uint64_t {
           if (id == self_) return 1;
           const auto at = leader()->progress.find(id);
           return at != leader()->progress.end() && !at->second.recovering() && answers(at->second, now);
         }) == 0;
}

Position Raft::append_configuration(const Configuration& next, base::Instant now) {
  return append_own(EntryKind::membership, std::make_shared<const base::Bytes>(encode(next)), now);
}

/// The log has another configuration, which is in effect from now on, committed or not.
void Raft::adopt_configuration(base::Instant now) {
  const Configuration& configuration = log_.configuration();
  note(Event::What::configuration);
  Leader* leads = leader();
  if (!leads) return arm_election(now);
  for (auto at = leads->progress.begin(); at != leads->progress.end();) {
    if (configuration.find(at->first)) {
      ++at;
    } else {
      leads->clocks.forget(at->first);
      at = leads->progress.erase(at);
    }
  }
  for (const auto& [id, seat] : configuration.seats)
    if (id != self_)
      leads->progress.try_emplace(
          id, Progress{.next = log_.last().next(), .heard = now, .round_goal = log_.last(), .round_begun = now});
  if (leads->transfer && !configuration.votes(leads->transfer->target)) leads->transfer.reset();
}

/// Does the leader's own changes of members, once the newest configuration is committed.
void Raft::tend_members(base::Instant now) {
  const Leader& leads = *leader();
  if (commit() < leads.term_start || log_.configuration_index() > commit()) return;
  const Configuration& present = log_.configuration();
  if (present.joint()) {
    if (!present.auto_leave || leads.transfer) return;
    mutations_->sometimes("raft: a joint step was left");
    append_configuration(leave_joint(present).value(), now);
  } else if (!present.votes(self_)) {
    // thesis 4.2.2: a leader that is not a member leads until that is committed.
    if (const auto next = most_advanced()) give_lead_to(*next);
    mutations_->sometimes("raft: a leader removed itself");
    note(Event::What::removed);
    become_follower(state_.term, std::nullopt, now);
  } else if (!leads.transfer) {
    promote_learner(now);
  }
}

void Raft::promote_learner(base::Instant now) {
  for (const auto& [id, seat] : log_.configuration().seats) {
    if (!seat.learner || !seat.promote) continue;
    const Progress& progress = leader()->progress.at(id);
    if (!progress.caught_up || progress.standing != Standing::replicate) continue;
    const Changed next = change_simply(log_.configuration(), {{.kind = ChangeKind::voter, .member = id}});
    if (!next.ok() || would_lose_quorum(next.value(), now)) continue;
    mutations_->sometimes("raft: a learner that had caught up was promoted");
    append_configuration(next.value(), now);
    return;
  }
}

}  // namespace troupe::raft
