#include "actors/raft/logic/raft.hpp"

#include <algorithm>

namespace troupe::raft {

Raft::Raft(const Settings& settings, Restored from, base::Instant now, base::Random chance)
    : settings_(settings),
      self_(from.self),
      epoch_(from.epoch),
      state_(from.state),
      log_(std::move(from.log)),
      saves_(log_.last()),
      chance_(chance),
      started_(now),
      applied_(from.applied),
      given_out_(from.applied) {
  base::ensure(applied_ >= log_.snapshot().index && applied_ <= log_.last(), "a core starts from a consistent state");
  state_.commit = std::clamp(state_.commit, applied_, log_.last());
  read_ = ReadId{chance_.next() >> 1};
  arm_election(now);
  check();
}

std::optional<MemberId> Raft::known_leader() const {
  if (leader()) return self_;
  const Follower* follows = std::get_if<Follower>(&role_);
  return follows ? follows->leader : std::nullopt;
}

void Raft::note(Event::What what, MemberId member) { out_.events.push_back({what, member}); }

void Raft::become_follower(Term term, std::optional<MemberId> leader, base::Instant now) {
  const Role before = role();
  if (before == Role::leader || known_leader() != leader) fail_reads();
  if (const Leader* leads = this->leader())
    if (std::ranges::any_of(leads->progress, [](const auto& one) { return one.second.standing == Standing::snapshot; }))
      mutations_->sometimes("raft: the leader changed during a snapshot");
  if (term > state_.term) {
    state_.term = term;
    state_.vote.reset();
    saves_.state_changed();
    held_.clear();  // promises made in an older term are useless to its leader
  }
  role_ = Follower{leader};
  if (before != Role::follower) {
    note(Event::What::role);
    arm_election(now);
  }
}

void Raft::tick(base::Instant now) {
  while (!forwarded_.empty() && forwarded_.begin()->second <= now) {
    out_.reads_failed.push_back(forwarded_.begin()->first);
    forwarded_.erase(forwarded_.begin());
  }
  if (leader()) {
    tick_leader(now);
  } else if (may_campaign() && now >= election_due_) {
    campaign(planted("raft.no_pre_vote") ? Campaign::normal : Campaign::pre, now);
  }
  check();
}

base::Instant Raft::wake_at() const {
  base::Instant at = base::Instant::max();
  if (!forwarded_.empty()) at = forwarded_.begin()->second;
  if (const Leader* leads = leader()) {
    at = std::min(at, leads->heartbeat_due);
    if (leads->transfer) at = std::min(at, leads->transfer->due);
  } else if (may_campaign()) {
    at = std::min(at, election_due_);
  }
  return at;
}

void Raft::send(const MemberId& to, Body body) {
  out_.messages.push_back({self_, to, epoch_, state_.term, std::move(body)});
}

void Raft::send_after(SaveId save, const MemberId& to, Body body) {
  if (save <= saves_.done() && to != self_) return send(to, std::move(body));
  held_.push_back({save, {self_, to, epoch_, state_.term, std::move(body)}});
}

void Raft::release(base::Instant now) {
  std::vector<Held> held = std::exchange(held_, {});
  std::vector<Message> own;
  for (Held& one : held) {
    if (one.after > saves_.done()) held_.push_back(std::move(one));
    else if (one.message.to == self_) own.push_back(std::move(one.message));
    else out_.messages.push_back(std::move(one.message));
  }
  for (const Message& message : own)  // this member's own vote, which counts now
    if (message.term == state_.term) (void)on(self_, std::get<VoteReply>(message.body), now);
}

void Raft::saved(SaveId id, base::Instant now) {
  if (const auto oldest = saves_.oldest()) disk_delay_.add(now - oldest->first);
  saves_.saved(id);
  release(now);
  if (leader()) advance_commit(now);
  log_.evict(std::min(applied_, saves_.durable()), settings_.memory_bytes_max);
  check();
}

void Raft::applied(Index index) {
  base::ensure(index >= applied_ && index <= given_out_, "returned entries are applied in order");
  applied_ = index;
  log_.evict(std::min(applied_, saves_.durable()), settings_.memory_bytes_max);
}

void Raft::compacted(Snapshot snapshot) {
  base::ensure(snapshot.index <= std::min(applied_, saves_.durable()), "a snapshot has only applied entries");
  if (snapshot.index < log_.snapshot().index) return;
  // It replaces a snapshot of the same index, whose bytes may differ. Followers that fetch that one are offered this.
  if (leader())
    for (auto& [member, progress] : leader()->progress)
      if (progress.snapshot && progress.snapshot->index == snapshot.index) progress.snapshot = snapshot;
  log_.compact(std::move(snapshot));
  check();
}

base::Result<void, Rejected> Raft::begin_install(const Snapshot& snapshot) {
  if (installing_ || snapshot.index <= given_out_) return Rejected::unasked;
  // A leader has all committed entries, so a snapshot with other contents is forged.
  if (leader() && !log_.has(snapshot.index, snapshot.term)) return Rejected::conflicts_with_committed;
  if (const auto term = log_.term_at(snapshot.index); snapshot.index <= commit() && term != snapshot.term)
    return Rejected::conflicts_with_committed;
  installing_ = true;
  return {};
}

base::Result<void, Rejected> Raft::install_ended(const std::optional<Snapshot>& snapshot, base::Instant now) {
  base::ensure(std::exchange(installing_, false), "only an installation that has begun can end");
  if (!snapshot) return {};
  base::ensure(snapshot->index > given_out_, "nothing is applied during an installation");
  const bool keeps = log_.has(snapshot->index, snapshot->term);
  if (!keeps && snapshot->index <= commit()) return Rejected::conflicts_with_committed;
  if (!keeps && leader()) become_follower(state_.term, std::nullopt, now);
  if (!keeps) {
    // The log ends before the snapshot, or has another history. All its committed entries are in the snapshot.
    log_.reset(*snapshot);
    saves_.restarted(*snapshot);
  }
  mutations_->sometimes("raft: a snapshot was installed");
  state_.commit = std::max(state_.commit, snapshot->index);
  applied_ = given_out_ = snapshot->index;
  if (!keeps) adopt_configuration(now);
  if (const auto leads = known_leader(); leads && *leads != self_) acknowledge(*leads, snapshot->index, 0);
  check();
  return {};
}

void Raft::give_out_applies(Output& out) {
  const Index limit = std::min(commit(), saves_.durable());
  if (installing_ || given_out_ >= limit) return;
  const std::uint64_t busy = log_.bytes_behind(applied_) - log_.bytes_behind(given_out_);
  if (busy >= settings_.apply_bytes_max) return;
  out.apply = log_.slice(given_out_.next(), limit, settings_.apply_bytes_max - busy);
  given_out_ = out.apply.back().index;
}

Output Raft::take(base::Instant now) {
  Output out;
  if (leader()) {
    serve_reads(now);
    replicate(now);
  }
  std::swap(out, out_);
  out.save = saves_.issue(log_, planted("raft.vote_not_saved") ? HardState{.term = term()} : state_, now);
  give_out_applies(out);
  check();
  return out;
}

Status Raft::status(base::Instant now) const {
  Status out{.role = role(),
             .term = term(),
             .leader = known_leader(),
             .commit = commit(),
             .applied = applied_,
             .durable = saves_.durable(),
             .last = log_.last(),
             .configuration = log_.configuration(),
             .configuration_index = log_.configuration_index(),
             .asleep = asleep(now)};
  if (const Leader* leads = leader()) {
    out.progress = leads->progress;
    out.reads_waiting = leads->reads.size();
    out.uncommitted_bytes = log_.bytes_behind(commit());
    out.transferring = leads->transfer.has_value();
    out.lease = lease_holds(now);
  }
  return out;
}

std::vector<std::pair<MemberId, Index>> Raft::behind() const {
  std::vector<std::pair<MemberId, Index>> out;
  if (!leader()) return out;
  for (const auto& [member, progress] : leader()->progress)
    if (progress.recovering()) out.emplace_back(member, progress.owed);
  return out;
}

std::optional<base::Instant> Raft::last_answer(const MemberId& member) const {
  if (const Leader* leads = leader()) {
    const auto at = leads->progress.find(member);
    return at == leads->progress.end() ? std::nullopt : std::optional(at->second.heard);
  }
  const auto at = voters_heard_.find(member);
  return at == voters_heard_.end() ? std::nullopt : std::optional(at->second);
}

std::vector<MemberId> Raft::silent_since(base::Instant since) const {
  std::vector<MemberId> out;
  for (const auto& [member, seat] : log_.configuration().seats) {
    if (member == self_ || !(leader() || seat.voter || seat.outgoing)) continue;
    const auto answered = last_answer(member);
    if (!answered || *answered < since) out.push_back(member);
  }
  return out;
}

void Raft::removed(base::Instant now) {
  if (leader()) return;
  removed_ = true;
  voters_heard_.clear();
  become_follower(state_.term, std::nullopt, now);
}

std::vector<CommitDelay> Raft::commit_delays(base::Instant now) const {
  const Leader* leads = leader();
  if (!leads) return {};
  std::vector<VoterDelay> voters;
  for (const auto& [member, seat] : log_.configuration().seats) {
    if (!seat.voter) continue;
    VoterDelay one{.member = member};
    if (member == self_) {
      one.disk = disk_delay_.value().value_or(base::Duration::zero());
    } else {
      const Progress& progress = leads->progress.at(member);
      const auto append = progress.append_delay.value(), beat = progress.heartbeat_delay.value();
      one.link = beat.value_or(base::Duration::zero());
      if (append) one.link = std::min(one.link, *append), one.disk = *append - one.link;
      if (!leads->asleep && now >= leads->awake_since + settings_.election && progress.heard + settings_.election < now)
        one.silent = now - progress.heard;
    }
    voters.push_back(one);
  }
  return decisive_first(std::move(voters));
}

void Raft::check() const {
  base::ensure(log_.snapshot().index <= applied_, "the snapshot has only applied entries");
  base::ensure(applied_ <= given_out_ && given_out_ <= state_.commit, "only committed entries are applied");
  base::ensure(state_.commit <= log_.last(), "committed entries are in the log");
  base::ensure(log_.last_term() <= state_.term, "no entry has a later term");
  base::ensure(log_.window_first() <= applied_.next(), "entries that are not applied are in memory");
}

}  // namespace troupe::raft
