// Elections: thesis 3.4, pre-vote 9.6, disturbing members 4.2.3, transfer 3.10.
#include "actors/raft/logic/raft.hpp"

namespace troupe::raft {

void Raft::arm_election(base::Instant now) {
  const auto span = static_cast<std::uint64_t>(settings_.election.count());
  base::Duration wait = settings_.election + base::Duration(chance_.below(std::max<std::uint64_t>(span, 1)));
  // A voter with a lower priority waits until a voter with the highest has had its chance.
  const Configuration& configuration = log_.configuration();
  if (const Seat* own = configuration.find(self_))
    for (const auto& [id, seat] : configuration.seats)
      if (seat.voter && seat.priority > own->priority) {
        wait += settings_.election;
        break;
      }
  election_due_ = now + wait;
}

/// Also true for a member that is not a voter of the newest configuration, while that may be uncommitted. Its log may
/// be the only log that can win an election (thesis 4.2.2).
bool Raft::may_campaign() const {
  if (removed_) return false;
  return log_.configuration().votes(self_) ||
         (log_.configuration_index() > commit() && log_.configuration_at(commit()).votes(self_));
}

bool Raft::hears_leader(base::Instant now) const {
  if (leader()) return now < leader()->awake_since + settings_.election || quorum_heard(now - settings_.election);
  return leader_heard_ && now < *leader_heard_ + settings_.election;
}

/// Returns whether to ignore a vote request: this member receives a leader's messages, or may have done so before its
/// start. That leader may hold a lease that relies on this member giving no vote.
bool Raft::disturbs(const Message& message, base::Instant now) const {
  const auto* ask = std::get_if<VoteRequest>(&message.body);
  if (!ask || ask->campaign == Campaign::transfer) return false;
  if (now < started_ + settings_.election && !planted("raft.votes_at_once_after_start")) return true;
  if (!hears_leader(now) || planted("raft.disturbed")) return false;
  mutations_->sometimes("raft: a request for votes was ignored, because a leader is heard");
  return true;
}

void Raft::campaign(Campaign how, base::Instant now) {
  if (!may_campaign() || state_.term.value >= kNumberMax) return arm_election(now);
  if (role() != Role::candidate) {
    fail_reads();
    note(Event::What::role);
  }
  Candidate next{.campaign = how};
  const VoteRequest ask{.campaign = how, .last = log_.last(), .last_term = log_.last_term()};
  if (how == Campaign::pre) {
    next.votes[self_] = true;
  } else {
    state_.term = state_.term.next();
    state_.vote = self_;
    saves_.state_changed();
    held_.clear();
    send_after(saves_.of_state(), self_, VoteReply{.granted = true});
  }
  role_ = std::move(next);
  arm_election(now);
  for (const auto& [id, seat] : log_.configuration().seats) {
    if (id == self_ || !(seat.voter || seat.outgoing)) continue;
    // A candidate that forgets its term in a crash could lead twice in it. So the request also waits for the disk.
    if (how == Campaign::pre) out_.messages.push_back({self_, id, epoch_, state_.term.next(), ask});
    else send_after(saves_.of_state(), id, ask);
  }
  count_votes(now);
}

void Raft::count_votes(base::Instant now) {
  const Candidate& stands = *candidate();
  const Tally tally = quorum_tally(log_.configuration(), [&](const MemberId& id) -> std::optional<bool> {
    const auto vote = stands.votes.find(id);
    return vote == stands.votes.end() ? std::nullopt : std::optional(vote->second);
  });
  if (tally == Tally::pending) return;
  if (tally == Tally::lost) {
    if (stands.campaign == Campaign::pre) mutations_->sometimes("raft: pre-votes were refused");
    return become_follower(state_.term, std::nullopt, now);
  }
  if (stands.campaign == Campaign::pre) campaign(Campaign::normal, now);
  else become_leader(now);
}

Raft::Taken Raft::on(const MemberId& from, const VoteRequest& ask, Term term, base::Instant now) {
  const bool pre = ask.campaign == Campaign::pre;
  const bool free = pre ? term > state_.term
                        : state_.vote == from || (!state_.vote && !known_leader()) || planted("raft.votes_twice");
  const bool granted = free && (log_covers(ask) || planted("raft.votes_for_shorter_log"));
  if (granted && pre) {
    out_.messages.push_back({self_, from, epoch_, term, VoteReply{.pre = true, .granted = true}});
    return {};
  }
  if (granted) {
    if (state_.vote != from) saves_.state_changed();
    state_.vote = from;
    arm_election(now);
  }
  send_after(saves_.of_state(), from, VoteReply{.pre = pre, .granted = granted});
  return {};
}

Raft::Taken Raft::on(const MemberId& from, const VoteReply& reply, base::Instant now) {
  Candidate* stands = candidate();
  if (!stands || reply.pre != (stands->campaign == Campaign::pre)) return {};
  stands->votes.try_emplace(from, reply.granted);
  count_votes(now);
  return {};
}

Raft::Taken Raft::on(const MemberId& from, const TimeoutNow&, base::Instant now) {
  if (!known_leader() || *known_leader() != from) return Rejected::not_leader;
  if (may_campaign()) {
    mutations_->sometimes("raft: the lead was handed over");
    campaign(Campaign::transfer, now);
  }
  return {};
}

}  // namespace troupe::raft
