// The current height: when it begins, the effects of consensus, and the messages for it.
#include "actors/chain/chain_actor.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;

constexpr std::chrono::seconds kSignDue{30};  // our choice: allows for a slow disk; a second content is never signed

void set_content(wire::SignContent::Builder out, const Vote& vote) {
  const Bytes bytes = encode(vote);
  out.getContent().setVote(data_of(bytes));
}
void set_content(wire::SignContent::Builder out, const Proposal& proposal) {
  const Bytes bytes = encode(proposal);
  out.getContent().setProposal(data_of(bytes));
}

}  // namespace

void ChainActor::next_height() {
  if (chain_.consensus)
    for (const SignedVote& vote : chain_.consensus->votes()) hear_late(vote, std::nullopt);
  for (const auto& [source, vote] : std::exchange(unheard_, {})) hear_late(vote, source.first);
  forget_late();
  chain_.consensus.reset();
  timeouts_.clear();
  assembly_.clear();
  at_validator_.clear();
  proof_.clear();
  to_sign_.clear();
  early_votes_.clear();
  early_proposals_.clear();
  for (auto& [id, one] : neighbours_.all()) one.told.clear();
  chain_.finishing = false;
  since_ = now();
  begin_if_due();
}

void ChainActor::begin_if_due() {
  if (!chain_.ready || chain_.halted || chain_.consensus || chain_.finishing || sync_.has_blocks()) return;
  if (others_have_begun()) return begin();
  if (sync_.catching_up()) return after<Begin>(BlockSync::kSyncPatience);
  const Parameters& parameters = chain_.ledger.next().parameters;
  const Param span = pool_.hurries() ? Param::block_interval_ms : Param::block_empty_ms;
  const base::Instant due = since_ + std::chrono::milliseconds(parameters[span]);
  if (now() >= due) return begin();
  after<Begin>(due - now());
}

/// More than a third of the power, or the proposer, so that a malicious validator cannot hurry the others.
bool ChainActor::others_have_begun() const {
  const ValidatorSet& validators = *chain_.ledger.next().validators;
  std::set<base::NodeId> heard;
  std::uint64_t power = 0;
  for (const SignedVote& vote : early_votes_)
    if (heard.insert(vote.validator).second) power += validators.at(*validators.index_of(vote.validator)).power;
  if (validators.one_correct(power)) return true;
  Rotation turns = *chain_.ledger.next().rotation;
  const base::NodeId first = validators.at(turns.turn(validators)).id;
  return std::ranges::any_of(early_proposals_,
                             [&](const SignedProposal& proposal) { return proposal.validator == first; });
}

void ChainActor::begin() {
  const NextBlock& next = chain_.ledger.next();
  chain_.consensus = std::make_unique<Consensus>(HeightStart{.fork = chain_.fork,
                                                             .height = chain_.ledger.head().height.next(),
                                                             .validators = next.validators,
                                                             .rotation = *next.rotation,
                                                             .parent_time = chain_.ledger.head().time,
                                                             .times = times_of(next.parameters),
                                                             .self = chain_.validator_here()},
                                                 guard_, world().mutations);
  ++progress_;
  for (const SignedProposal& one : std::exchange(early_proposals_, {})) take(one);
  for (const SignedVote& one : std::exchange(early_votes_, {})) take(one);
  drive();
}

void ChainActor::drive() {
  if (driving_) return;
  driving_ = true;
  while (chain_.consensus) {
    auto effects = chain_.consensus->take();
    if (effects.empty()) break;
    for (Effect& effect : effects) std::visit([this](auto& one) { perform(one); }, effect);
  }
  driving_ = false;
}

// -- effects

void ChainActor::perform(Keep& effect) { proof_ = std::move(effect.prevotes); }

template <class Content>
void ChainActor::perform(Sign<Content>& effect) {
  guard_ = effect.guard;
  to_sign_.push_back({effect.guard, effect.content, std::exchange(proof_, {})});
  sign_next();
}

void ChainActor::sign_next() {
  if (to_sign_.empty() || chain_.halted || !rejoining_.may_sign() || std::exchange(signing_, true)) return;
  std::visit([this](const auto& content) { sign(to_sign_.front(), content); }, to_sign_.front().content);
}

template <class Content>
void ChainActor::sign(const Signing& signing, const Content& content) {
  std::vector<std::shared_ptr<const Candidate>> blocks;
  for (const BlockId& id : signing.guard.blocks())
    if (const auto found = assembly_.find(id); found && !at_validator_.contains(id)) blocks.push_back(found);
  ask<wire::SignContent, wire::SignedIs>(
      node().find(kValidatorPath), now() + kSignDue,
      [&](wire::SignContent::Builder out) {
        const Bytes guard = encode(signing.guard);
        out.setChain(data_of(chain_.id.view()));
        out.setGuard(data_of(guard));
        set_content(out, content);
        auto proof = out.initProof(size32(signing.proof));
        for (unsigned i = 0; i < proof.size(); ++i) {
          const Bytes vote = encode(signing.proof[i]);
          proof.set(i, data_of(vote));
        }
        auto whole = out.initBlocks(size32(blocks));
        for (unsigned i = 0; i < whole.size(); ++i) whole.set(i, data_of(blocks[i]->bytes));
      },
      [this, content, blocks](runtime::Answer<wire::SignedIs> answer) {
        signing_ = false;
        const bool of_now = !to_sign_.empty() && to_sign_.front().content == std::variant<Vote, Proposal>(content);
        const bool failed = !answer.ok() && answer.error().code != base::Code::refused;
        rejoining_.unsigned_for(failed ? answer.error().message : std::string{});
        // A failing disk may recover: until then this validator is silent.
        if (of_now && failed) return;
        if (of_now) to_sign_.pop_front();
        if (of_now && answer.ok())
          for (const auto& block : blocks) at_validator_.insert(block->id);
        signed_content(content, std::move(answer));
        sign_next();
      });
}

template <class Content>
void ChainActor::signed_content(const Content& content, runtime::Answer<wire::SignedIs> answer) {
  if (!answer.ok()) {
    chain_.settings.log.warn("a vote was not signed", {{"why", std::string_view(answer.error().message)}});
    return;
  }
  const auto signature = crypto::Signature::from(bytes_of(answer.value().getSignature()));
  if (!signature || !chain_.consensus || content.place.height != chain_.consensus->place().height ||
      content.place.fork != chain_.fork)
    return;
  const Signed<Content> made{content, chain_.settings.self(), *signature};
  take(made);
  repair_.push(made, std::nullopt);
  drive();
}

/// Requested signatures of this height rest on the old guard, so the height starts again with the received messages.
void ChainActor::passed(const Guard& guard) {
  guard_ = guard;
  to_sign_.clear();
  proof_.clear();
  at_validator_.clear();
  if (!chain_.consensus || chain_.finishing || chain_.halted) return;
  early_votes_ = chain_.consensus->votes();
  early_proposals_ = chain_.consensus->proposals();
  chain_.consensus.reset();
  timeouts_.clear();
  begin();
}

void ChainActor::perform(Schedule& effect) {
  timeouts_.emplace(now() + effect.after, effect.timeout);
  arm();
}

void ChainActor::arm() {
  if (!timeouts_.empty()) after<Timeouts>(std::max(timeouts_.begin()->first - now(), base::Duration::zero()));
}

void ChainActor::timeouts() {
  while (chain_.consensus && !timeouts_.empty() && timeouts_.begin()->first <= now()) {
    const Timeout due = timeouts_.begin()->second;
    timeouts_.erase(timeouts_.begin());
    chain_.consensus->timeout(due);
  }
  drive();
  arm();
}

void ChainActor::perform(BuildBlock& effect) { build(effect.round); }
void ChainActor::perform(FetchBlock& effect) { assembly_.fetch(effect.block); }

void ChainActor::perform(Evidence& effect) {
  const base::NodeId liar = std::visit([](const auto& pair) { return pair.first.validator; }, effect.pair);
  chain_.evidence.emplace(liar, effect);
  const std::string hex = liar.hex();
  chain_.settings.log.warn("a validator has signed two different votes or proposals for one step",
                           {{"validator", std::string_view(hex)}});
}

void ChainActor::perform(Decided& effect) {
  const auto found = assembly_.find(effect.commit.block);
  base::ensure(found != nullptr, "a decided block was found valid here");
  chain_.settings.counters->rounds += effect.commit.place.round.value;
  if (effect.commit.place.round.value > 0) world().mutations.sometimes("chain: a round failed");
  finish(found, effect.commit, false);
}

void ChainActor::perform(Diverged& effect) {
  chain_.halted = true;
  failed("over 2/3 of the validators decided a block that is invalid here: " + effect.block.hex());
  heads_.check_heads();
}

std::optional<SignedProposal> ChainActor::proposal_of(const BlockId& id) const {
  for (const SignedProposal& one : chain_.consensus ? chain_.consensus->proposals() : early_proposals_)
    if (one.content.block == id) return one;
  return std::nullopt;
}

void ChainActor::is_whole(const Candidate& candidate) {
  ++progress_;
  if (!chain_.consensus) return;
  const Header& header = candidate.block.header;
  chain_.consensus->block(candidate.id, header.time, header.proposer, candidate.verdict);
  drive();
}

// -- what comes late

bool ChainActor::hear_late(const SignedVote& vote, const std::optional<base::NodeId>& from) {
  const Place& place = vote.content.place;
  if (place.fork != chain_.fork || vote.content.step != Step::precommit) return false;
  if (chain_.finishing && place.height == chain_.ledger.head().height.next()) {
    if (vote.content.choice && chain_.is_validator(vote.validator) && unheard_.size() < kEarlyMax)
      unheard_.try_emplace({from, vote.validator}, vote);
    return false;
  }
  const Presence& presence = chain_.ledger.next().presence;
  const auto at = std::ranges::find(presence.heights, place.height, &Attendance::height);
  if (at == presence.heights.end() || vote.content.choice != Choice(at->block)) return false;
  const ValidatorSet& validators = presence.set_of(*at);
  const auto index = validators.index_of(vote.validator);
  if (!index || at->has(*index) || late_.contains({place.height, vote.validator})) return false;
  if (!crypto::verify(validators.at(*index).key, signed_bytes(chain_.id, vote.content), vote.signature)) {
    if (from) neighbours_.accuse(*from, net::wire::Violation::BAD_RECORD, "a vote that its validator has not signed");
    return false;
  }
  late_.emplace(std::pair(place.height, vote.validator), vote);
  rejoining_.remember(vote);
  return true;
}

/// Forgets votes of settled heights, and votes that are in a block.
void ChainActor::forget_late() {
  const Presence& presence = chain_.ledger.next().presence;
  std::erase_if(late_, [&](const auto& one) {
    const auto at = std::ranges::find(presence.heights, one.first.first, &Attendance::height);
    if (at == presence.heights.end()) return true;
    const auto index = presence.set_of(*at).index_of(one.first.second);
    return !index || at->has(*index);
  });
}

std::vector<SignedVote> ChainActor::late() const {
  std::vector<SignedVote> out;
  for (const auto& [at, vote] : late_) out.push_back(vote);
  return out;
}

/// Returns the head's commit, with later precommits for it.
Commit ChainActor::head_commit() const {
  Commit out = *chain_.ledger.head_commit();
  const auto there = [&](const base::NodeId& id) {
    return std::ranges::find(out.votes, id, &CommitVote::validator) != out.votes.end();
  };
  for (const auto& [at, vote] : late_)
    if (vote.content == out.vote() && !there(vote.validator)) out.votes.push_back({vote.validator, vote.signature});
  std::ranges::sort(out.votes, {}, &CommitVote::validator);
  return out;
}

// -- received messages

template <class Content>
bool ChainActor::wanted(const Signed<Content>& message) {
  const Place& place = message.content.place;
  if (chain_.halted || chain_.finishing || place.fork != chain_.fork ||
      place.height != chain_.ledger.head().height.next())
    return false;
  const ValidatorSet& validators = *chain_.ledger.next().validators;
  const auto index = validators.index_of(message.validator);
  if (!index) return false;
  if (chain_.consensus ? !chain_.consensus->needs(message) && !chain_.consensus->accuses(message)
                       : early_votes_.size() + early_proposals_.size() >= kEarlyMax)
    return false;
  const auto of_it = [&](const auto& one) { return one.validator == message.validator; };
  if (!chain_.consensus && static_cast<std::size_t>(std::ranges::count_if(early_votes_, of_it) +
                                                    std::ranges::count_if(early_proposals_, of_it)) >= kEarlyOfOneMax)
    return false;
  if constexpr (std::is_same_v<Content, Vote>) {
    if (!chain_.consensus && std::ranges::find(early_votes_, message) != early_votes_.end()) return false;
  } else if (!chain_.consensus && std::ranges::find(early_proposals_, message) != early_proposals_.end()) {
    return false;
  }
  if (crypto::verify(validators.at(*index).key, signed_bytes(chain_.id, message.content), message.signature))
    return true;
  neighbours_.accuse_caller(net::wire::Violation::BAD_RECORD, "a vote or a proposal that its validator has not signed");
  return false;
}
template bool ChainActor::wanted(const SignedVote&);
template bool ChainActor::wanted(const SignedProposal&);

void ChainActor::take(const SignedVote& vote) {
  ++progress_;
  rejoining_.remember(vote);
  if (!chain_.consensus) {
    early_votes_.push_back(vote);
    return begin_if_due();
  }
  static_cast<void>(chain_.consensus->receive(vote));
}

void ChainActor::take(const SignedProposal& proposal) {
  ++progress_;
  rejoining_.remember(proposal);
  if (!chain_.consensus) {
    early_proposals_.push_back(proposal);
    return begin_if_due();
  }
  static_cast<void>(chain_.consensus->receive(proposal, unix_ms()));
}

}  // namespace troupe::chain
