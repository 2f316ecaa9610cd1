// Algorithm 1. Each rule returns whether it changed anything; the rules run until none does.
#include "actors/chain/logic/consensus.hpp"

namespace troupe::chain {

void Consensus::apply_rules() {
  while (!decided_ && (decide() || propose() || judge_proposal() || lock() || precommit_nil() || watch_prevotes() ||
                       watch_precommits())) {
  }
  check();
}

/// Lines 14 to 19.
bool Consensus::propose() {
  if (step_ != Step::propose || proposed_ || !my_turn()) return false;
  if (!valid_) {
    proposed_ = building_ = true;
    out_.push_back(BuildBlock{round_});
    return true;
  }
  const Report* said = report(valid_->block);
  if (!said) return false;  // after a restart: the caller reads it from its disk
  proposed_ = true;
  mutations_.sometimes("chain: a valid value was proposed again");
  sign(Proposal{place(), valid_->round, valid_->block, said->time});
  return true;
}

/// Lines 22 to 33.
bool Consensus::judge_proposal() {
  const auto held = proposals_.find(round_);
  if (step_ != Step::propose || held == proposals_.end()) return false;
  const auto choice = judgement(held->second);
  if (!choice) return false;
  prevote(*choice);
  return true;
}

/// Returns the prevote, or nullopt while something is missing; the timeout ends the wait.
std::optional<Choice> Consensus::judgement(const HeldProposal& held) const {
  const Proposal& proposal = held.message.content;
  const Choice nil;
  if (proposal.time <= start_.parent_time && !planted("chain.time_not_later")) return nil;
  // A quorum has found a value proposed again timely. Its time is old now, but it may be the only value for which some
  // validators can vote.
  const bool first_time = !proposal.valid_round || planted("chain.time_checked_again");
  if (first_time && !timely(start_.times, start_.parent_time, proposal.time, held.received, round_)) return nil;

  const bool locked_elsewhere = locked_ && locked_->block != proposal.block;
  if (!proposal.valid_round) {
    if (locked_elsewhere) return nil;  // line 23
  } else {
    const auto votes = rounds_.find(*proposal.valid_round);
    const bool proven = votes != rounds_.end() && votes->second.prevotes.has_quorum(proposal.block);
    if (!proven && !planted("chain.unlock_unproven")) return std::nullopt;       // line 28
    if (locked_elsewhere && locked_->round > *proposal.valid_round) return nil;  // line 29
    if (locked_elsewhere) mutations_.sometimes("chain: a lock gave way to a later quorum");
  }
  const Report* said = report(proposal.block);
  if (!said) return std::nullopt;
  // A value proposed again has an earlier proposer, and so may the block of the lock.
  const bool locked_here = locked_ && locked_->block == proposal.block;
  const bool in_turn = proposal.valid_round || locked_here || said->proposer == proposer().id;
  const bool good = said->verdict == Verdict::valid && said->time == proposal.time && in_turn;
  return good ? Choice(proposal.block) : nil;
}

/// Lines 36 to 43, without the proposal: over 2/3 of prevotes support it, so a correct validator had it.
bool Consensus::lock() {
  if (step_ == Step::propose || (valid_ && valid_->round == round_)) return false;
  const auto& quorum = rounds_[round_].prevotes.quorum();
  if (!quorum || !*quorum) return false;
  const BlockId block = **quorum;
  want(block);
  if (!valid_here(block) && !planted("chain.lock_without_block")) return false;
  valid_ = Proven{round_, block};
  if (step_ == Step::prevote) {
    locked_ = valid_;
    precommit(block);
  }
  return true;
}

/// Lines 44 to 46.
bool Consensus::precommit_nil() {
  if (step_ != Step::prevote || !rounds_[round_].prevotes.has_quorum(Choice{})) return false;
  if (planted("chain.nil_unlocks")) locked_.reset();
  precommit(Choice{});
  return true;
}

/// Line 34.
bool Consensus::watch_prevotes() {
  if (step_ != Step::prevote || prevotes_watched_) return false;
  if (!start_.validators->quorum(rounds_[round_].prevotes.power())) return false;
  prevotes_watched_ = true;
  schedule(Step::prevote);
  return true;
}

/// Line 47.
bool Consensus::watch_precommits() {
  if (precommits_watched_ || !start_.validators->quorum(rounds_[round_].precommits.power())) return false;
  precommits_watched_ = true;
  schedule(Step::precommit);
  return true;
}

/// Line 49, for each round with precommits here; without the proposal, as in lock().
bool Consensus::decide() {
  for (const auto& [round, votes] : rounds_) {
    const auto& quorum = votes.precommits.quorum();
    if (!quorum || !*quorum) continue;
    const BlockId block = **quorum;
    want(block);
    const Report* said = report(block);
    if (!said) continue;
    if (said->verdict == Verdict::invalid) {
      if (!std::exchange(diverged_, true)) out_.push_back(Diverged{block});
      continue;
    }
    Commit commit{{start_.fork, start_.height, round}, block};
    for (const SignedVote& vote : votes.precommits.votes_for(block))
      commit.votes.push_back({vote.validator, vote.signature});
    decided_ = true;
    out_.push_back(Decided{std::move(commit)});
    return true;
  }
  return false;
}

/// Lines 57 to 67.
void Consensus::timeout(const Timeout& timeout) {
  if (decided_ || timeout.place != place()) return;
  if (timeout.step == Step::propose && step_ == Step::propose) prevote(Choice{});
  else if (timeout.step == Step::prevote && step_ == Step::prevote) precommit(Choice{});
  else if (timeout.step == Step::precommit) start_round(round_.next());
  apply_rules();
}

void Consensus::check() const {
  base::ensure(!locked_ || (valid_ && locked_->round <= valid_->round), "a locked block was valid, then or later");
  base::ensure(!valid_ || valid_->round <= round_, "a valid round has begun");
  base::ensure(proposals_.size() <= 2, "proposals of two rounds are kept");
}

}  // namespace troupe::chain
