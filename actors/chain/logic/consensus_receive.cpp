// Which messages of validators count, and how many of them are kept.
#include "actors/chain/logic/consensus.hpp"

namespace troupe::chain {

/// Returns what is wrong with it, regardless of its validator's other contents in that step.
std::optional<Rejected> Consensus::unfit(const SignedVote& vote) const {
  const Round round = vote.content.place.round;
  if (!here(vote.content.place)) return Rejected::elsewhere;
  if (decided_) return Rejected::decided;
  const auto index = start_.validators->index_of(vote.validator);
  if (!index) return Rejected::stranger;
  if (round > kRoundMax || vote.content.step == Step::propose) return Rejected::malformed;
  return no_room(*index, round);
}

std::optional<Rejected> Consensus::unfit(const SignedProposal& proposal) const {
  const Proposal& content = proposal.content;
  const Round round = content.place.round;
  if (!here(content.place)) return Rejected::elsewhere;
  if (decided_) return Rejected::decided;
  const auto index = start_.validators->index_of(proposal.validator);
  if (!index) return Rejected::stranger;
  if (round > kRoundMax || content.time < UnixMs{0} || content.time > kTimeMax) return Rejected::malformed;
  if (content.valid_round && *content.valid_round >= round) return Rejected::malformed;
  if (round < round_) return Rejected::old;
  if (round > round_.next()) return Rejected::far;
  if (*index != (round == round_ ? turns_.now : turns_.next)) return Rejected::not_proposer;
  return std::nullopt;
}

const Tally* Consensus::tally_of(const Vote& vote) const {
  const auto votes = rounds_.find(vote.place.round);
  if (votes == rounds_.end()) return nullptr;
  return vote.step == Step::prevote ? &votes->second.prevotes : &votes->second.precommits;
}

bool Consensus::needs(const SignedVote& vote) const {
  if (unfit(vote)) return false;
  const Tally* tally = tally_of(vote.content);
  const std::size_t index = *start_.validators->index_of(vote.validator);
  return tally == nullptr ||
         tally->would_be(*start_.validators, index, vote.content.choice) == Tally::Added::What::counted;
}

bool Consensus::needs(const SignedProposal& proposal) const {
  return !unfit(proposal) && !proposals_.contains(proposal.content.place.round);
}

bool Consensus::accuses(const SignedVote& vote) const {
  if (unfit(vote)) return false;
  const Tally* tally = tally_of(vote.content);
  const std::size_t index = *start_.validators->index_of(vote.validator);
  return tally != nullptr && !accused_.contains(index) && tally->contradicted(index, vote.content.choice).has_value();
}

bool Consensus::accuses(const SignedProposal& proposal) const {
  if (unfit(proposal)) return false;
  const auto held = proposals_.find(proposal.content.place.round);
  return held != proposals_.end() && held->second.message.content != proposal.content &&
         !accused_.contains(*start_.validators->index_of(proposal.validator));
}

base::Result<void, Rejected> Consensus::receive(const SignedVote& vote) {
  if (const auto flaw = unfit(vote)) return *flaw;
  const Round round = vote.content.place.round;
  const auto index = start_.validators->index_of(vote.validator);
  make_room(*index, round);

  RoundVotes& votes = rounds_[round];
  Tally& tally = vote.content.step == Step::prevote ? votes.prevotes : votes.precommits;
  const Tally::Added added = tally.add(*start_.validators, *index, vote, mutations_);
  if (added.contradicted) accuse(*index, *added.contradicted, vote);
  if (added.what == Tally::Added::What::known) return Rejected::known;
  if (added.what == Tally::Added::What::dropped) return Rejected::contradicts;
  // Line 55.
  if (round > round_ && start_.validators->one_correct(heard_in(round))) start_round(round);
  apply_rules();
  return {};
}

base::Result<void, Rejected> Consensus::receive(const SignedProposal& proposal, UnixMs now) {
  if (const auto flaw = unfit(proposal)) return *flaw;
  const Proposal& content = proposal.content;
  const auto [at, fresh] = proposals_.try_emplace(content.place.round, HeldProposal{proposal, now});
  if (!fresh) {
    const SignedProposal& first = at->second.message;
    if (first.content == content) return Rejected::known;
    accuse(*start_.validators->index_of(proposal.validator), first, proposal);
    return Rejected::contradicts;
  }
  want(content.block);
  apply_rules();
  return {};
}

std::optional<Rejected> Consensus::no_room(std::size_t index, Round round) const {
  if (round <= round_.next()) return kept(round) ? std::nullopt : std::optional(Rejected::old);
  const auto at = ahead_.find(index);
  if (at == ahead_.end() || at->second.size() < kRoundsAhead || at->second.contains(round)) return std::nullopt;
  return round < *at->second.begin() ? std::optional(Rejected::far) : std::nullopt;
}

/// Later rounds of a validator evict its own earlier ones after the next round, never votes of other validators.
void Consensus::make_room(std::size_t index, Round round) {
  if (round <= round_.next()) return;
  std::set<Round>& ahead = ahead_[index];
  if (ahead.contains(round)) return;
  if (ahead.size() == kRoundsAhead) {
    const Round oldest = *ahead.begin();
    mutations_.sometimes("chain: votes of a round ahead gave way to later ones");
    RoundVotes& votes = rounds_[oldest];
    votes.prevotes.remove(*start_.validators, index);
    votes.precommits.remove(*start_.validators, index);
    if (votes.prevotes.empty() && votes.precommits.empty()) rounds_.erase(oldest);
    ahead.erase(oldest);
  }
  ahead.insert(round);
  base::ensure(ahead.size() <= kRoundsAhead, "a validator is at most two rounds ahead");
}

/// Returns the power of the validators with votes of `round`, of either step.
std::uint64_t Consensus::heard_in(Round round) const {
  const auto at = rounds_.find(round);
  if (at == rounds_.end()) return 0;
  std::uint64_t power = 0;
  for (std::size_t i = 0; i < start_.validators->size(); ++i)
    if (at->second.prevotes.has_voted(i) || at->second.precommits.has_voted(i)) power += start_.validators->at(i).power;
  return power;
}

template <class Content>
void Consensus::accuse(std::size_t index, const Signed<Content>& first, const Signed<Content>& second) {
  if (accused_.insert(index).second) out_.push_back(Evidence{Evidence::Pair<Content>{first, second}});
}

}  // namespace troupe::chain
