// Rounds, signing, and what is kept.
#include "actors/chain/logic/consensus.hpp"

namespace troupe::chain {

Consensus::Consensus(HeightStart start, const Guard& guard, const base::Mutations& mutations)
    : start_(std::move(start)), guard_(guard), mutations_(mutations), turns_{start_.rotation, Round{}} {
  if (start_.self) self_ = start_.validators->index_of(*start_.self);
  turns_.now = turns_.rotation.turn(*start_.validators);
  turns_.next = turns_.rotation.turn(*start_.validators);
  if (here(guard_.place())) resume();
  else enter(Round{});
  apply_rules();
}

/// Signs the same contents again, because it is unknown whether they were sent.
void Consensus::resume() {
  if (!planted("chain.lock_forgotten")) {
    locked_ = guard_.locked();
    valid_ = guard_.valid();
  }
  if (valid_) proof_kept_ = valid_->round;
  enter(guard_.place().round);
  step_ = guard_.step();
  if (const auto proposal = guard_.proposal()) {
    want(proposal->block);
    proposed_ = true;
    sign(*proposal);
  }
  for (const Step step : {Step::prevote, Step::precommit})
    if (const auto vote = guard_.vote(step)) sign(*vote);
  for (const auto& proven : {locked_, valid_})
    if (proven) want(proven->block);
}

void Consensus::enter(Round round) {
  round_ = round;
  step_ = Step::propose;
  proposed_ = building_ = prevotes_watched_ = precommits_watched_ = false;
  for (; turns_.round < round; turns_.round = turns_.round.next()) {
    turns_.now = turns_.next;
    turns_.next = turns_.rotation.turn(*start_.validators);
  }
  forget_old_rounds();
  // Line 21, where the proposer does not wait for itself. Here it does, because its block may not be built in time.
  schedule(Step::propose);
}

/// Line 11, StartRound.
void Consensus::start_round(Round round) {
  if (round > kRoundMax) return;
  if (round.value > round_.value + 1) mutations_.sometimes("chain: rounds were skipped");
  enter(round);
}

bool Consensus::kept(Round round) const {
  if (round.value + kRoundsKept > round_.value) return true;
  const auto proposal = proposals_.find(round_);
  return (locked_ && locked_->round == round) || (valid_ && valid_->round == round) ||
         (proposal != proposals_.end() && proposal->second.message.content.valid_round == round);
}

void Consensus::forget_old_rounds() {
  proposals_.erase(proposals_.begin(), proposals_.lower_bound(round_));
  std::erase_if(rounds_, [&](const auto& entry) { return !kept(entry.first); });
  std::erase_if(blocks_, [&](const auto& entry) {
    const auto& [id, block] = entry;
    const bool proven = (locked_ && locked_->block == id) || (valid_ && valid_->block == id);
    return !proven && !kept(block.mentioned);
  });
  for (auto& [index, rounds] : ahead_) rounds.erase(rounds.begin(), rounds.upper_bound(round_.next()));
}

template <class Content>
void Consensus::sign_if_allowed(const Content& content) {
  if (!self_) return;
  if (const auto may = guard_.may(content); !may.ok()) {
    if (may.error() == GuardError::second) ++refused_;
    return;
  }
  if (valid_ && proof_kept_ != valid_->round) {
    proof_kept_ = valid_->round;
    if (!planted("chain.lock_without_proof"))
      out_.push_back(Keep{rounds_[valid_->round].prevotes.votes_for(valid_->block)});
  }
  const Guard before = guard_;
  guard_.record(content, locked_, valid_);
  out_.push_back(Sign<Content>{planted("chain.guard_unsynced") ? before : guard_, content});
}

void Consensus::sign(const Vote& vote) { sign_if_allowed(vote); }
void Consensus::sign(const Proposal& proposal) { sign_if_allowed(proposal); }

void Consensus::prevote(const Choice& choice) {
  step_ = Step::prevote;
  sign(Vote{place(), Step::prevote, choice});
}

void Consensus::precommit(const Choice& choice) {
  step_ = Step::precommit;
  sign(Vote{place(), Step::precommit, choice});
}

void Consensus::schedule(Step step) {
  out_.push_back(Schedule{{place(), step}, timeout_of(start_.times, step, round_)});
}

void Consensus::want(const BlockId& id) {
  const auto [at, fresh] = blocks_.try_emplace(id, Block{round_});
  at->second.mentioned = round_;
  if (fresh) out_.push_back(FetchBlock{id});
}

const Consensus::Report* Consensus::report(const BlockId& id) const {
  const auto at = blocks_.find(id);
  return at != blocks_.end() && at->second.report ? &*at->second.report : nullptr;
}

bool Consensus::valid_here(const BlockId& id) const {
  const Report* said = report(id);
  return said && said->verdict == Verdict::valid;
}

void Consensus::block(const BlockId& id, UnixMs time, const base::NodeId& proposer, Verdict verdict) {
  const auto at = blocks_.find(id);
  if (decided_ || at == blocks_.end() || at->second.report) return;
  // A node that is not a validator has no account for a tip.
  if (!start_.validators->index_of(proposer)) verdict = Verdict::invalid;
  at->second.report = Report{time, proposer, verdict};
  apply_rules();
}

void Consensus::built(Round round, const BlockId& id, UnixMs time) {
  if (decided_ || !building_ || round != round_ || step_ != Step::propose) return;
  base::ensure(time > start_.parent_time && time <= kTimeMax, "a new block is later than its parent");
  building_ = false;
  blocks_[id] = Block{round_, Report{time, proposer().id, Verdict::valid}};
  sign(Proposal{place(), std::nullopt, id, time});
}

std::vector<Effect> Consensus::take() { return std::exchange(out_, {}); }

std::vector<SignedVote> Consensus::votes() const {
  std::vector<SignedVote> out;
  for (const auto& [round, votes] : rounds_)
    for (const Tally* tally : {&votes.prevotes, &votes.precommits})
      for (SignedVote& vote : tally->votes()) out.push_back(std::move(vote));
  return out;
}

std::vector<SignedProposal> Consensus::proposals() const {
  std::vector<SignedProposal> out;
  for (const auto& [round, held] : proposals_) out.push_back(held.message);
  return out;
}

}  // namespace troupe::chain
