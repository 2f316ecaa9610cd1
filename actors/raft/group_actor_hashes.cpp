// The leader compares the states of all members. A member with a different state stops (logic/hashes.hpp).
#include "actors/raft/group_actor.hpp"
#include "actors/raft/wire.hpp"

namespace troupe::raft {

/// Called after each applied entry.
void GroupActor::note_hash() {
  hashes_.add(applied_, machine_->hash());
  if (!leads()) return;
  if (applied_ - compared_ >= kCompareEntries) return compare_hashes();
  if (!std::exchange(comparing_, true)) after<CompareHashes>(kComparePeriod);
}

void GroupActor::compare_hashes() {
  comparing_ = false;
  if (!leads() || applied_ <= compared_) return;
  const Configuration& configuration = raft_->log().configuration();
  compared_ = applied_;
  poll_.emplace(applied_, configuration);
  poll_->heard(setup_.self, machine_->hash());
  for (const auto& [member, seat] : configuration.seats)
    if (member != setup_.self) tell_hashes(member, applied_, [](wire::StateHashes::Builder out) { out.setAsk(); });
}

void GroupActor::tell_hashes(const MemberId& to, Index index,
                             const std::function<void(wire::StateHashes::Builder)>& write_body) {
  const runtime::Handle handle = handle_to(to);
  if (!handle) return;
  tell<wire::StateHashes>(handle, [&](wire::StateHashes::Builder out) {
    write(out.initFrom(), setup_.self);
    out.setEpoch(setup_.epoch.value);
    out.setTerm(raft_->term().value);
    out.setIndex(index.value);
    write_body(out);
  });
}

void GroupActor::take(wire::StateHashes::Reader told) {
  if (!raft_) return;
  const auto from = raft::read(told.getFrom());
  if (!comes_from(from ? &*from : nullptr)) return;
  if (told.getEpoch() != setup_.epoch.value || told.getTerm() != raft_->term().value) return;
  const Index index{told.getIndex()};
  if (told.isAnswer()) {
    if (!leads() || !poll_ || poll_->index() != index) return;
    poll_->heard(*from, told.getAnswer());
    return settle_hashes();
  }
  if (leads() && told.isAsk() && !comparing_) {  // a follower that cannot continue asks for a comparison, also a
                                                 // repeated one
    compared_ = Index{};
    comparing_ = true;
    return after<CompareHashes>(kComparePeriod);
  }
  if (raft_->known_leader() != *from) return;
  if (told.isAsk()) {
    hash_asked_ = {*from, index};
    return answer_hashes();
  }
  if (told.isStop()) return differs(index, "no state has a majority after entry ", false);
  const auto own = hashes_.after(index);
  if (contradicted_ ? own != told.getRight() : own && *own != told.getRight())
    differs(index, "its state differs from the majority's after entry ", true);
}

/// Answers once the requested entry is applied here, or at once if this member can never apply it.
void GroupActor::answer_hashes() {
  if (!hash_asked_ || (applied_ < hash_asked_->second && !contradicted_)) return;
  const auto [leader, index] = *std::exchange(hash_asked_, std::nullopt);
  auto hash = hashes_.after(index);
  if (!hash && contradicted_) hash = machine_->hash();
  if (hash) tell_hashes(leader, index, [&](wire::StateHashes::Builder out) { out.setAnswer(*hash); });
}

/// The leader's log differs where this member has applied entries: one of them has lost something without noticing.
/// This member asks the leader to compare all members, which shows which one.
void GroupActor::contradicted(const MemberId& leader) {
  if (raft_->known_leader() != leader || (contradicted_ && now() < *contradicted_ + kComparePeriod)) return;
  world().mutations.sometimes("raft: the leader contradicted what was committed here");
  contradicted_ = now();
  tell_hashes(leader, applied_, [](wire::StateHashes::Builder out) { out.setAsk(); });
}

void GroupActor::settle_hashes() {
  const Index index = poll_->index();
  const auto right = poll_->agreed();
  if (!right && !poll_->hopeless()) return;
  bool own = !right;
  for (const auto& [member, seat] : raft_->log().configuration().seats) {
    if (member == setup_.self || right) continue;
    tell_hashes(member, index, [](wire::StateHashes::Builder out) { out.setStop(); });
  }
  for (const MemberId& member : right ? poll_->others_than(*right) : std::vector<MemberId>{}) {
    if (member == setup_.self) own = true;
    else tell_hashes(member, index, [&](wire::StateHashes::Builder out) { out.setRight(*right); });
  }
  if (!own) return;
  if (right) differs(index, "its state differs from the majority's after entry ", true);
  else differs(index, "no state has a majority after entry ", false);
}

/// `others`: their state is right, and this member fetches it under its next incarnation.
void GroupActor::differs(Index index, const char* what, bool others) {
  ++settings().counters->differed;
  world().mutations.sometimes("raft: a member found that its state is another one");
  const std::string why = what + std::to_string(index.value);
  poll_.reset();
  if (others) return recovering(why);
  settings().log.error("the members' states differ and none has a majority: the group stops",
                       {{"group", setup_.name}, {"entry", index.value}});
  stop_serving(why);
  recovering_ = true;
  judge();
}

}  // namespace troupe::raft
