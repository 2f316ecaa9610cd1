// Handles received messages: which of them count in which term, and what a follower does with its leader's.
#include "actors/raft/logic/raft.hpp"

namespace troupe::raft {
namespace {

template <class... Bodies>
bool is(const Body& body) {
  return (std::holds_alternative<Bodies>(body) || ...);
}

}  // namespace

base::Result<void, Rejected> Raft::receive(const Message& message, base::Instant now) {
  if (const auto bad = flaw(message, self_, epoch_)) return *bad;
  const MemberId& from = message.from;
  // A response counts only if it comes from a member, in the incarnation that the configuration names. A vote request
  // may come from a member that this member does not know yet.
  if (is<VoteReply, AppendReply, HeartbeatReply, ReadRequest, Wake>(message.body) && !log_.configuration().find(from))
    return Rejected::unknown_member;
  if (is<VoteReply>(message.body)) voters_heard_.insert_or_assign(from, now);
  // The leader may be gone, which a sleeping member would not notice.
  if (is<VoteRequest>(message.body) || message.term > state_.term) stir(now);
  if (disturbs(message, now)) return {};
  if (message.term < state_.term) {
    answer_older(message);
    return {};
  }
  if (message.term > state_.term) {
    const auto* vote = std::get_if<VoteReply>(&message.body);
    const auto* ask = std::get_if<VoteRequest>(&message.body);
    const bool pre = (ask && ask->campaign == Campaign::pre) || (vote && vote->pre && vote->granted);
    if (vote && pre && message.term != state_.term.next()) return {};  // of an earlier campaign
    const bool leads = is<Append, Commit, Heartbeat, InstallSnapshot>(message.body);
    if (!pre) become_follower(message.term, leads ? std::optional(from) : std::nullopt, now);
  } else if (const auto* vote = std::get_if<VoteReply>(&message.body); vote && vote->pre && vote->granted) {
    return {};  // for a term that has begun since
  }
  const Taken taken = std::visit(
      [&](const auto& body) {
        if constexpr (std::is_same_v<std::decay_t<decltype(body)>, VoteRequest>)
          return on(from, body, message.term, now);
        else return on(from, body, now);
      },
      message.body);
  check();
  return taken;
}

/// A leader, or a member that asks for votes, is behind: it learns the current term, and a leader steps down.
void Raft::answer_older(const Message& message) {
  if (is<Append, Heartbeat, InstallSnapshot>(message.body))
    send_after(saves_.of_state(), message.from, AppendReply{.accepted = false});
  if (const auto* ask = std::get_if<VoteRequest>(&message.body))
    send_after(saves_.of_state(), message.from, VoteReply{.pre = ask->campaign == Campaign::pre});
}

Raft::Taken Raft::follow(const MemberId& from, base::Instant now) {
  if (leader() || (known_leader() && *known_leader() != from)) return Rejected::two_leaders;
  if (!known_leader()) become_follower(state_.term, from, now);
  removed_ = false;
  leader_heard_ = now;
  arm_election(now);
  return {};
}

Raft::Taken Raft::on(const MemberId& from, const Append& append, base::Instant now) {
  if (auto taken = follow(from, now); !taken.ok()) return taken;
  const Index base = log_.snapshot().index;
  if (append.previous >= base && !log_.has(append.previous, append.previous_term)) {
    if (append.previous <= commit()) return Rejected::conflicts_with_committed;
    refuse_append(from, append);
    return {};
  }
  if (planted("raft.truncates_without_conflict")) {  // a late message is taken for the whole log
    const Index end = append.previous + append.entries.size();
    if (end < log_.last() && end >= commit()) {
      log_.truncate(end.next());
      saves_.truncated(end.next());
    }
  }
  // The first entry that is missing here. Entries in a snapshot are committed and need no check.
  auto entry = append.entries.begin();
  while (entry != append.entries.end() && (entry->index < base || log_.has(entry->index, entry->term))) ++entry;
  if (entry != append.entries.end()) {
    if (entry->index <= commit()) return Rejected::conflicts_with_committed;
    const Index before = log_.configuration_index();
    if (entry->index <= log_.last()) {
      mutations_->sometimes("raft: a follower dropped entries that were never committed");
      log_.truncate(entry->index);
      saves_.truncated(entry->index);
    }
    const Index between = log_.configuration_index();
    for (; entry != append.entries.end(); ++entry)
      if (!log_.append(*entry).ok()) return Rejected::malformed;
    if (between != before || log_.configuration_index() != between) adopt_configuration(now);
  }
  const Index matched = append.previous + append.entries.size();
  commit_to(std::min(append.commit, matched));
  acknowledge(from, matched, append.sequence);
  return {};
}

void Raft::acknowledge(const MemberId& to, Index match, std::uint64_t sequence) {
  const SaveId after = std::max(saves_.of_state(), saves_.of_entry(match));
  send_after(planted("raft.acknowledges_before_sync") ? SaveId{} : after, to,
             AppendReply{.accepted = true, .match = match, .sequence = sequence});
}

void Raft::refuse_append(const MemberId& to, const Append& append) {
  // The leader skips back a whole term at once (thesis 3.5, last paragraphs).
  const Index hint = std::max(log_.last_at_most(append.previous, append.previous_term), log_.snapshot().index);
  send_after(saves_.of_state(), to,
             AppendReply{.accepted = false,
                         .match = append.previous,
                         .hint = hint,
                         .hint_term = log_.term_at(hint).value_or(Term{}),
                         .sequence = append.sequence});
}

void Raft::commit_to(Index index) {
  if (index > state_.commit) state_.commit = std::min(index, log_.last());
}

Raft::Taken Raft::on(const MemberId& from, const Commit& told, base::Instant now) {
  if (auto taken = follow(from, now); !taken.ok()) return taken;
  if (told.index > saves_.durable()) return Rejected::behind;
  commit_to(told.index);
  return {};
}

Raft::Taken Raft::on(const MemberId& from, const Heartbeat& beat, base::Instant now) {
  if (auto taken = follow(from, now); !taken.ok()) return taken;
  if (beat.quiet > base::Duration::zero()) {
    // The leader's clock may be slower than this member's.
    const base::Duration quiet = beat.quiet + beat.quiet / 1'000 * (2 * settings_.clock_drift_max);
    leader_heard_ = now + quiet;
    election_due_ = election_due_ + quiet;
  }
  send_after(saves_.of_state(), from,
             HeartbeatReply{.round = beat.round,
                            .durable = saves_.durable(),
                            .clock = now.since_origin(),
                            .sequence = beat.sequence,
                            .short_of_room = short_of_room_});
  if (beat.commit > saves_.durable()) return Rejected::behind;
  commit_to(beat.commit);
  return {};
}

Raft::Taken Raft::on(const MemberId& from, const InstallSnapshot& install, base::Instant now) {
  const Snapshot& snapshot = install.snapshot;
  if (auto taken = follow(from, now); !taken.ok()) return taken;
  const bool here = log_.has(snapshot.index, snapshot.term);
  if (snapshot.index <= commit() && snapshot.index >= log_.snapshot().index && !here)
    return Rejected::conflicts_with_committed;
  if (here || snapshot.index <= commit()) {
    commit_to(snapshot.index);
    acknowledge(from, snapshot.index, install.sequence);
  } else {
    out_.fetch = Fetch{from, snapshot};
  }
  return {};
}

}  // namespace troupe::raft
