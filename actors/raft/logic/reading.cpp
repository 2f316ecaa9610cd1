// Linearizable reads: thesis 6.4 (by a round of heartbeats) and 6.4.1 (by lease); followers ask their leader.
#include "actors/raft/logic/raft.hpp"

namespace troupe::raft {

base::Result<ReadId, Refused> Raft::read(base::Instant now) {
  const auto leads = known_leader();
  if (!leads) return Refused::no_leader;
  use(now);
  const ReadId id = read_.next();
  if (leader()) {
    if (lease_holds(now) || planted("raft.reads_without_asking")) out_.reads.push_back({id, commit()});
    else if (!leader()->reads.add({id, self_}, settings_.reads_max)) return Refused::too_many_reads;
  } else {
    if (forwarded_.size() >= settings_.reads_max) return Refused::too_many_reads;
    forwarded_.emplace(id, now + kReadPatience * settings_.election);
    send(*leads, ReadRequest{id});
  }
  return read_ = id;
}

/// Reads wait until the leader has committed an entry of its term. Before that it does not know what is committed.
void Raft::serve_reads(base::Instant now) {
  Leader& leads = *leader();
  if (!leads.reads.wants_round() || (commit() < leads.term_start && !planted("raft.reads_before_its_term"))) return;
  leads.reads.begin(leads.round.next(), commit());
  begin_round(now);
}

bool Raft::lease_holds(base::Instant now) const {
  const Leader* leads = leader();
  if (!settings_.lease_reads || !leads || commit() < leads->term_start || leads->lease_given_up) return false;
  if (!leads->clocks.steady()) return false;
  return leads->confirmed && now < *leads->confirmed + lease_of(settings_);
}

void Raft::answer(const Read& read, Index index) {
  if (read.asker == self_) out_.reads.push_back({read.id, index});
  else send(read.asker, ReadReply{read.id, index});
}

void Raft::fail_reads() {
  if (Leader* leads = leader())
    for (const Read& read : leads->reads.drop())
      if (read.asker == self_) out_.reads_failed.push_back(read.id);
  for (const auto& [id, until] : forwarded_) out_.reads_failed.push_back(id);
  forwarded_.clear();
}

Raft::Taken Raft::on(const MemberId& from, const ReadRequest& ask, base::Instant now) {
  use(now);
  // At the limit the leader does not respond, and the follower gives up after its own time.
  if (leader()) (void)leader()->reads.add({ask.id, from}, settings_.reads_max);
  return {};
}

Raft::Taken Raft::on(const MemberId& from, const ReadReply& reply, base::Instant) {
  if (leader() || known_leader() != from || forwarded_.erase(reply.id) == 0) return Rejected::unasked;
  out_.reads.push_back({reply.id, reply.index});
  return {};
}

}  // namespace troupe::raft
