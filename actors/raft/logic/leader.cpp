// The leader: its term, commitment (thesis 3.6.2), rounds of heartbeats, check-quorum (6.2), handing over (3.10).
#include "actors/raft/logic/raft.hpp"

namespace troupe::raft {

void Raft::become_leader(base::Instant now) {
  fail_reads();
  Leader leads;
  for (const auto& [id, seat] : log_.configuration().seats)
    if (id != self_)
      leads.progress[id] = {.next = log_.last().next(), .heard = now, .round_goal = log_.last(), .round_begun = now};
  leads.term_start = log_.last().next();
  leads.heartbeat_due = now + settings_.heartbeat;
  leads.awake_since = now;
  role_ = std::move(leads);
  if (log_.configuration().joint()) mutations_->sometimes("raft: the leader changed during a joint change");
  note(Event::What::role);
  append_own(EntryKind::term_start, nullptr, now);
  begin_round(now);
}

Position Raft::append_own(EntryKind kind, Payload data, base::Instant now) {
  if (kind == EntryKind::term_start) stir(now);
  else use(now);
  const Entry entry{.index = log_.last().next(), .term = state_.term, .kind = kind, .data = std::move(data)};
  base::ensure(log_.append(entry).ok(), "a leader appends only entries that can be read");
  if (kind == EntryKind::membership) adopt_configuration(now);
  return {entry.index, entry.term};
}

base::Result<Position, Refused> Raft::propose(Payload command, base::Instant now) {
  const Leader* leads = leader();
  if (!leads) return known_leader() ? Refused::not_leader : Refused::no_leader;
  if (leads->transfer) return Refused::transferring;
  const std::size_t bytes = command ? command->size() : 0;
  if (bytes > std::min(settings_.entry_bytes_max, kEntryBytesLimit)) return Refused::too_large;
  // If no entry waits, an entry of any size is accepted.
  const std::uint64_t waiting = log_.bytes_behind(commit());
  if (waiting > 0 && waiting + bytes > settings_.uncommitted_bytes_max) return Refused::uncommitted_full;
  return append_own(EntryKind::command, std::move(command), now);
}

void Raft::advance_commit(base::Instant now) {
  const std::uint64_t reached = quorum_value(log_.configuration(), [&](const MemberId& id) {
    if (id == self_) return (planted("raft.counts_itself_at_once") ? log_.last() : saves_.durable()).value;
    const auto at = leader()->progress.find(id);
    return at == leader()->progress.end() ? 0 : at->second.match.value;
  });
  const Index to = std::min(Index{reached}, log_.last());
  if (to <= commit()) return;
  // Figure 3.7 of the thesis (figure 8 of the paper): older entries are committed only with an entry of this term.
  if (log_.term_at(to) != state_.term) {
    mutations_->sometimes("raft: a majority had an entry of an older term, which was not committed by that");
    if (!planted("raft.commits_older_term")) return;
  }
  state_.commit = to;
  tend_members(now);
}

bool Raft::has_room() const {
  if (short_of_room_) return false;
  return !leader() || quorum_value(log_.configuration(), [&](const MemberId& id) -> std::uint64_t {
                        const auto at = leader()->progress.find(id);
                        return id == self_ || (at != leader()->progress.end() && !at->second.short_of_room);
                      }) > 0;
}

bool Raft::quorum_heard(base::Instant since) const {
  return quorum_value(log_.configuration(), [&](const MemberId& id) -> std::uint64_t {
           if (id == self_) return 1;
           const auto at = leader()->progress.find(id);
           return at != leader()->progress.end() && at->second.heard >= since;
         }) > 0;
}

void Raft::tick_leader(base::Instant now) {
  Leader& leads = *leader();
  if (leads.transfer && now >= leads.transfer->due) leads.transfer.reset();
  if (now < leads.heartbeat_due) return;
  // Twice the time-out, because the responses of one round may be lost.
  const base::Duration patience = 2 * settings_.election;
  if (!leads.asleep && now >= leads.awake_since + patience && !quorum_heard(now - patience)) {
    note(Event::What::quorum_lost);
    return become_follower(state_.term, std::nullopt, now);
  }
  const bool sleeps = may_sleep(now);
  if (sleeps && !leads.asleep) mutations_->sometimes("raft: a group that was not used fell asleep");
  if (!sleeps && leads.asleep) stir(now);
  leads.asleep = sleeps;
  leads.heartbeat_due = now + (sleeps ? base::Duration(kSleepingHeartbeat) : settings_.heartbeat);
  begin_round(now);
  hand_over_if_stalled(now);
  tend_members(now);
}

/// Returns whether the group is unused, a quorum responds, and each responding member has all entries.
bool Raft::may_sleep(base::Instant now) const {
  const Leader& leads = *leader();
  if (leads.used && now < *leads.used + settings_.sleep_after) return false;
  const base::Duration disturbed = std::max(settings_.sleep_after / kDisturbedPart, kDisturbedMin * settings_.election);
  if (!leads.asleep && now < leads.awake_since + disturbed) return false;
  if (leads.transfer || leads.reads.size() > 0 || !has_room()) return false;
  if (commit() != log_.last() || saves_.durable() != log_.last() || log_.configuration().joint()) return false;
  const base::Instant since = leads.asleep ? leads.round_sent : now - 2 * settings_.election;
  for (const auto& [id, progress] : leads.progress) {
    const bool whole = progress.standing == Standing::replicate && progress.match == log_.last() &&
                       progress.told_commit == commit() && !progress.short_of_room;
    if (progress.heard >= since && !whole) return false;
  }
  return quorum_heard(since);
}

bool Raft::asleep(base::Instant now) const {
  return leader() ? leader()->asleep : leader_heard_ && *leader_heard_ > now;
}

bool Raft::stir(base::Instant now) {
  const bool slept = asleep(now);
  if (Leader* leads = leader()) {
    if (!slept) return false;
    leads->asleep = false;
    leads->awake_since = leads->heartbeat_due = now;
  } else if (slept) {
    leader_heard_ = now;
    arm_election(now);
    if (const auto to = known_leader()) send(*to, Wake{});
  }
  return slept;
}

void Raft::use(base::Instant now) {
  stir(now);
  if (leader()) leader()->used = now;
}

Raft::Taken Raft::on(const MemberId&, const Wake&, base::Instant now) {
  if (leader()) stir(now);
  return {};
}

void Raft::begin_round(base::Instant now) {
  Leader& leads = *leader();
  const base::Duration quiet = leads.asleep ? kSleepingQuiet : base::Duration::zero();
  leads.round = leads.round.next();
  leads.rounds[leads.round] = leads.round_sent = now;
  for (auto& [id, progress] : leads.progress)
    send(id, Heartbeat{.commit = std::min(progress.match, commit()),
                       .round = leads.round,
                       .sequence = ++progress.sequence,
                       .quiet = quiet});
  count_rounds();
}

void Raft::count_rounds() {
  Leader& leads = *leader();
  const std::uint64_t reached = quorum_value(log_.configuration(), [&](const MemberId& id) {
    if (id == self_) return leads.round.value;
    const auto at = leads.progress.find(id);
    return at == leads.progress.end() ? 0 : at->second.acknowledged.value;
  });
  const Round round = std::min(Round{reached}, leads.round);
  while (!leads.rounds.empty() && leads.rounds.begin()->first <= round) {
    leads.confirmed = leads.rounds.begin()->second;
    leads.rounds.erase(leads.rounds.begin());
  }
  for (const ReadyRead& ready : leads.reads.confirmed(round)) answer(ready.read, ready.index);
}

Raft::Taken Raft::on(const MemberId& from, const HeartbeatReply& reply, base::Instant now) {
  Leader* leads = leader();
  if (!leads) return {};
  const auto found = leads->progress.find(from);
  if (found == leads->progress.end()) return Rejected::unknown_member;
  Progress& progress = found->second;
  if (reply.round > leads->round || reply.sequence > progress.sequence) return Rejected::malformed;
  progress.heard = now;
  progress.short_of_room = reply.short_of_room;
  if (progress.outdated(reply.sequence)) return {};
  progress.waiting = false;
  if (leads->clocks.hear(from, reply.clock, now, settings_.clock_drift_max)) {
    mutations_->sometimes("raft: lease reads were turned off, because a clock drifts");
    note(Event::What::clock_drifts, from);
  }
  if (progress.lost(reply.sequence, reply.durable)) {
    lost(from, progress, reply.durable, now);
    return {};
  }
  if (progress.standing == Standing::replicate && progress.match.next() < progress.next) progress.nudge = true;
  if (reply.round == leads->round) progress.heartbeat_delay.add(now - leads->round_sent);
  progress.acknowledged = std::max(progress.acknowledged, reply.round);
  count_rounds();
  return {};
}

Raft::Taken Raft::on(const MemberId& from, const AppendReply& reply, base::Instant now) {
  Leader* leads = leader();
  if (!leads) return {};
  const auto found = leads->progress.find(from);
  if (found == leads->progress.end()) return Rejected::unknown_member;
  Progress& progress = found->second;
  if (reply.match > log_.last() || reply.sequence > progress.sequence) return Rejected::malformed;
  progress.heard = now;
  if (progress.outdated(reply.sequence)) return {};
  if (!reply.accepted) {
    const Index agree = reply.hint_term.value > 0 ? log_.last_at_most(reply.hint, reply.hint_term) : reply.hint;
    const Index before = reply.match.previous();
    if (progress.lost(reply.sequence, before)) lost(from, progress, std::min(before, agree), now);
    else progress.refuse(reply.match, agree);
    return {};
  }
  if (!progress.acknowledge(reply.match, now)) return {};
  progress.count_rounds(log_.last(), settings_.election, now);
  advance_commit(now);
  if (leader()) try_transfer();
  return {};
}

/// It is brought up like a member that was away. Its vote may be lost, too, and no leader can repair that.
void Raft::lost(const MemberId& member, Progress& progress, Index durable, base::Instant now) {
  mutations_->sometimes("raft: a follower had lost what it had acknowledged");
  progress.lose(durable, now);
  note(Event::What::recovering, member);
}

base::Result<void, Refused> Raft::transfer(const MemberId& target, base::Instant now) {
  Leader* leads = leader();
  if (!leads) return known_leader() ? Refused::not_leader : Refused::no_leader;
  const Seat* seat = log_.configuration().find(target);
  if (!seat || !seat->voter) return Refused::unknown_member;
  if (target == self_) return {};
  use(now);
  if (leads->progress.at(target).recovering()) return Refused::recovering;
  leads->transfer = Transfer{target, now + settings_.election};
  try_transfer();
  return {};
}

void Raft::try_transfer() {
  Leader& leads = *leader();
  if (!leads.transfer || leads.transfer->sent) return;
  const auto target = leads.progress.find(leads.transfer->target);
  if (target == leads.progress.end() || target->second.match < log_.last()) return;
  leads.transfer->sent = true;
  give_lead_to(target->first);
}

void Raft::give_lead_to(const MemberId& target) {
  // The request may arrive at any later time, and the voters that the target asks do not wait: no lease in this term.
  leader()->lease_given_up = !planted("raft.lease_kept_while_handing_over");
  send(target, TimeoutNow{});
}

std::optional<MemberId> Raft::most_advanced() const {
  std::optional<MemberId> best;
  Index match;
  for (const auto& [id, progress] : leader()->progress) {
    const Seat* seat = log_.configuration().find(id);
    if (!seat || !seat->voter || progress.standing != Standing::replicate || progress.match < match) continue;
    best = id;
    match = progress.match;
  }
  return best;
}

void Raft::hand_over_if_stalled(base::Instant now) {
  const auto oldest = saves_.oldest();
  if (!oldest || now < oldest->first + settings_.stall_max || oldest->second <= saves_.durable()) return;
  if (leader()->transfer || (stall_transfer_ && now < *stall_transfer_ + kStallTransferGap)) return;
  const std::uint64_t others = quorum_value(log_.configuration(), [&](const MemberId& id) {
    const auto at = leader()->progress.find(id);
    return at == leader()->progress.end() ? 0 : at->second.match.value;
  });
  const auto target = most_advanced();
  if (others < oldest->second.value || !target || !transfer(*target, now).ok()) return;
  stall_transfer_ = now;
  note(Event::What::disk_stalled, *target);
  mutations_->sometimes("raft: a leader whose disk had stalled handed over");
}

}  // namespace troupe::raft
