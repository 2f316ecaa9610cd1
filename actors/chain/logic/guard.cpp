#include "actors/chain/logic/guard.hpp"

#include "actors/chain/logic/vote_fields.hpp"

namespace troupe::chain {
namespace {

void append_proven(base::Bytes& out, const std::optional<Proven>& proven) {
  vote_fields::append_option(out, proven, [&](const Proven& value) {
    base::append_number(out, value.round.value);
    base::append(out, value.block.view());
  });
}

std::optional<Proven> read_proven(base::FieldReader& in) {
  return vote_fields::read_option(in, [&] {
    const Round round{in.number<std::uint32_t>()};
    return Proven{round, in.fixed<BlockId>()};
  });
}

}  // namespace

Guard Guard::past(Fork fork, Height height) {
  Guard out;
  out.place_ = {fork, height.next(), Round{}};
  return out;
}

base::Result<void, GuardError> Guard::may(const Vote& vote) const {
  if (vote.place > place_) return {};
  if (vote.place < place_) return GuardError::older;
  const auto& signed_choice = vote.step == Step::prevote ? prevote_ : precommit_;
  if (!signed_choice && vote.step < step()) return GuardError::older;
  if (signed_choice && *signed_choice != vote.choice) return GuardError::second;
  return {};
}

base::Result<void, GuardError> Guard::may(const Proposal& proposal) const {
  if (proposal.place > place_) return {};
  if (proposal.place < place_) return GuardError::older;
  if (!proposal_ && step() > Step::propose) return GuardError::older;
  if (proposal_ && *proposal_ != proposal) return GuardError::second;
  return {};
}

void Guard::enter(const Place& place, const std::optional<Proven>& locked, const std::optional<Proven>& valid) {
  if (place != place_) {
    proposal_.reset();
    prevote_.reset();
    precommit_.reset();
  }
  place_ = place;
  locked_ = locked;
  valid_ = valid;
}

void Guard::record(const Vote& vote, const std::optional<Proven>& locked, const std::optional<Proven>& valid) {
  base::ensure(may(vote).ok(), "only a vote that may be signed is recorded");
  enter(vote.place, locked, valid);
  (vote.step == Step::prevote ? prevote_ : precommit_).emplace(vote.choice);
}

void Guard::record(const Proposal& proposal, const std::optional<Proven>& locked, const std::optional<Proven>& valid) {
  base::ensure(may(proposal).ok(), "only a proposal that may be signed is recorded");
  enter(proposal.place, locked, valid);
  proposal_ = proposal;
}

bool Guard::consistent() const {
  if (place_.round > kRoundMax || (proposal_ && proposal_->place != place_)) return false;
  if (valid_ && valid_->round > place_.round) return false;
  return !locked_ || (valid_ && locked_->round <= valid_->round);
}

std::optional<Vote> Guard::vote(Step step) const {
  const auto& choice = step == Step::prevote ? prevote_ : precommit_;
  if (!choice) return std::nullopt;
  return Vote{place_, step, *choice};
}

base::Bytes encode(const Guard& guard) {
  base::Bytes out;
  vote_fields::append(out, guard.place_);
  append_proven(out, guard.locked_);
  append_proven(out, guard.valid_);
  vote_fields::append_option(out, guard.proposal_,
                             [&](const Proposal& proposal) { base::append(out, encode(proposal)); });
  for (const auto& choice : {guard.prevote_, guard.precommit_})
    vote_fields::append_option(out, choice, [&](const Choice& value) { vote_fields::append(out, value); });
  return out;
}

std::optional<Guard> decode_guard(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Guard guard;
  guard.place_ = vote_fields::read_place(in);
  guard.locked_ = read_proven(in);
  guard.valid_ = read_proven(in);
  guard.proposal_ = vote_fields::read_option(in, [&] { return vote_fields::read_proposal(in); });
  for (auto* choice : {&guard.prevote_, &guard.precommit_})
    *choice = vote_fields::read_option(in, [&] { return vote_fields::read_choice(in); });
  if (!in.ended() || !guard.consistent()) return std::nullopt;
  return guard;
}

}  // namespace troupe::chain
