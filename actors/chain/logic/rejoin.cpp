#include "actors/chain/logic/rejoin.hpp"

#include <algorithm>

namespace troupe::chain {
namespace {

/// Whether it is the guard's content for that step.
bool recorded(const Guard& guard, const Vote& vote) {
  return vote.place == guard.place() && guard.vote(vote.step) == std::optional(vote);
}
bool recorded(const Guard& guard, const Proposal& proposal) { return guard.proposal() == std::optional(proposal); }

}  // namespace

Moment moment_of(const SignedContent& content) {
  if (const auto* vote = std::get_if<SignedVote>(&content)) return {vote->content.place, vote->content.step};
  return {std::get<SignedProposal>(content).content.place, Step::propose};
}

const base::NodeId& validator_of(const SignedContent& content) {
  return std::visit([](const auto& one) -> const base::NodeId& { return one.validator; }, content);
}

bool unknown_to(const Guard& guard, const SignedContent& content) {
  return std::visit(
      [&](const auto& one) {
        const auto may = guard.may(one.content);
        // The guard does not know a second content for a step, just as it does not know a later one.
        return may.ok() ? !recorded(guard, one.content) : may.error() == GuardError::second;
      },
      content);
}

bool LatestContents::news(const SignedContent& content) const {
  const SignedContent* known = of(validator_of(content));
  return known == nullptr || moment_of(content) > moment_of(*known);
}

void LatestContents::hear(const SignedContent& content) {
  if (news(content)) latest_.insert_or_assign(validator_of(content), content);
}

const SignedContent* LatestContents::of(const base::NodeId& validator) const {
  const auto at = latest_.find(validator);
  return at == latest_.end() ? nullptr : &at->second;
}

void LatestContents::keep(const ValidatorSet& set) {
  std::erase_if(latest_, [&](const auto& one) { return !set.index_of(one.first); });
}

Rejoin::Rejoin(const base::NodeId& self, std::shared_ptr<const ValidatorSet> set, const Guard& guard,
               base::Duration wait, base::Instant now)
    : self_(self), set_(std::move(set)), guard_(guard), wait_(wait) {
  settle(now);
}

void Rejoin::validators_are(std::shared_ptr<const ValidatorSet> set, base::Instant now) {
  if (set == set_) return;
  set_ = std::move(set);
  std::erase_if(answers_, [&](const auto& one) { return !set_->index_of(one.first); });
  settle(now);
}

void Rejoin::head_is(Height head, base::Instant now) {
  head_ = head;
  settle(now);
}

void Rejoin::hear(const base::NodeId& validator, const Answer& answer, base::Instant now) {
  if (free_ || validator == self_ || !set_->index_of(validator)) return;
  answers_.insert_or_assign(validator, answer);
  settle(now);
}

void Rejoin::show(const SignedContent& own, base::Instant now) {
  if (free_ || !unknown_to(guard_, own)) return;
  const Place& place = moment_of(own).place;
  const Place shown{place.fork, place.height, Round{}};
  last_ = last_ ? std::max(*last_, shown) : shown;
  settle(now);
}

void Rejoin::settle(base::Instant now) {
  // A node outside the set signs nothing, so it must not become free forever.
  if (free_ || !set_->index_of(self_)) return;
  if (!last_) {
    free_ = set_->quorum(heard_power()) && caught_up();
    return;
  }
  // Every validator that has not responded may be waiting too.
  const bool few_wait = !set_->one_correct(set_->power() - heard_power());
  if (!few_wait) due_.reset();
  else if (!due_) due_ = now + wait_;
}

Height Rejoin::others_have() const {
  std::vector<std::pair<Height, std::uint64_t>> heads;
  for (const auto& [id, answer] : answers_) heads.emplace_back(answer.head, set_->at(*set_->index_of(id)).power);
  std::ranges::sort(heads, std::greater());
  std::uint64_t power = 0;
  for (const auto& [head, more] : heads)
    if (set_->one_correct(power += more)) return head;
  return {};
}

std::uint64_t Rejoin::own_power() const {
  const auto index = set_->index_of(self_);
  return index ? set_->at(*index).power : 0;
}

std::uint64_t Rejoin::heard_power() const {
  std::uint64_t out = last_ ? 0 : own_power();
  for (const auto& [id, answer] : answers_)
    if (!answer.waits) out += set_->at(*set_->index_of(id)).power;
  return out;
}

std::uint64_t Rejoin::waiting_power() const {
  std::uint64_t out = behind() ? own_power() : 0;
  for (const auto& [id, answer] : answers_)
    if (answer.waits) out += set_->at(*set_->index_of(id)).power;
  return out;
}

RejoinState Rejoin::state() const {
  if (free_ || !set_->index_of(self_)) return RejoinState::free;
  if (!last_) return RejoinState::asking;
  return set_->one_correct(waiting_power()) ? RejoinState::stuck : RejoinState::waiting;
}

bool Rejoin::asks(const base::NodeId& validator) const {
  if (state() == RejoinState::free || validator == self_ || !set_->index_of(validator)) return false;
  // Waiting validators may resume, and others may learn of later contents. So all are asked again while this one waits.
  // They are also asked while this one lacks blocks, because a chain that went back to an earlier block has fewer.
  const auto answer = answers_.find(validator);
  return last_ || !caught_up() || answer == answers_.end() || answer->second.waits;
}

std::vector<base::NodeId> Rejoin::unheard() const {
  std::vector<base::NodeId> out;
  for (const Validator& one : set_->all())
    if (one.id != self_ && !answers_.contains(one.id)) out.push_back(one.id);
  return out;
}

Height Rejoin::release_from(Height head) const { return std::max(head, last_ ? last_->height : Height{}).next(); }

base::Result<void, ReleaseError> Rejoin::may_release(Height from, Height head) const {
  if (state() == RejoinState::free) return ReleaseError::free;
  if (!last_ || !unheard().empty()) return ReleaseError::unheard;
  const Height least = release_from(head);
  if (from < least) return ReleaseError::low;
  if (from.value - least.value > kReleaseAheadMax) return ReleaseError::high;
  return {};
}

}  // namespace troupe::chain
