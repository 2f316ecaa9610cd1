#include "actors/chain/logic/guard.hpp"

#include "runtime/base/fields.hpp"

namespace troupe::chain {
namespace {

// Fields of fixed size, little-endian. An option is one byte, 0 or 1; after a 1 comes the value. Any other byte is
// malformed. Only this file reads these bytes.

void append(base::Bytes& out, const Place& place) {
  base::append_number(out, place.fork.value);
  base::append_number(out, place.height.value);
  base::append_number(out, place.round.value);
}
Place read_place(base::FieldReader& in) {
  Place place;
  place.fork.value = in.number<std::uint32_t>();
  place.height.value = in.number<std::uint64_t>();
  place.round.value = in.number<std::uint32_t>();
  return place;
}

bool read_flag(base::FieldReader& in) {
  const auto flag = in.number<std::uint8_t>();
  if (flag > 1) in.fail();
  return flag == 1;
}
template <class Value, class Append>
void append_option(base::Bytes& out, const std::optional<Value>& value, Append append_value) {
  base::append_number(out, std::uint8_t{value.has_value()});
  if (value) append_value(*value);
}
template <class Read>
auto read_option(base::FieldReader& in, Read read) {
  using Value = decltype(read());
  return read_flag(in) ? std::optional<Value>(read()) : std::nullopt;
}

void append(base::Bytes& out, const Choice& choice) {
  append_option(out, choice, [&](const BlockId& block) { base::append(out, block.view()); });
}
Choice read_choice(base::FieldReader& in) {
  return read_option(in, [&] { return in.fixed<BlockId>(); });
}

void append_time(base::Bytes& out, UnixMs time) { base::append_number(out, static_cast<std::uint64_t>(time.count())); }
UnixMs read_time(base::FieldReader& in) {
  const auto value = in.number<std::uint64_t>();
  if (value > static_cast<std::uint64_t>(kTimeMax.count())) in.fail();
  return UnixMs(in.ok() ? static_cast<std::int64_t>(value) : 0);
}

void append(base::Bytes& out, const Proposal& proposal) {
  append(out, proposal.place);
  append_option(out, proposal.valid_round, [&](Round round) { base::append_number(out, round.value); });
  base::append(out, proposal.block.view());
  append_time(out, proposal.time);
}
Proposal read_proposal(base::FieldReader& in) {
  Proposal proposal;
  proposal.place = read_place(in);
  proposal.valid_round = read_option(in, [&] { return Round{in.number<std::uint32_t>()}; });
  proposal.block = in.fixed<BlockId>();
  proposal.time = read_time(in);
  return proposal;
}

void append_proven(base::Bytes& out, const std::optional<Proven>& proven) {
  append_option(out, proven, [&](const Proven& value) {
    base::append_number(out, value.round.value);
    base::append(out, value.block.view());
  });
}

std::optional<Proven> read_proven(base::FieldReader& in) {
  return read_option(in, [&] {
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

std::set<BlockId> Guard::blocks() const {
  std::set<BlockId> out;
  for (const auto& proven : {locked_, valid_})
    if (proven) out.insert(proven->block);
  if (proposal_) out.insert(proposal_->block);
  return out;
}

std::optional<Vote> Guard::vote(Step step) const {
  const auto& choice = step == Step::prevote ? prevote_ : precommit_;
  if (!choice) return std::nullopt;
  return Vote{place_, step, *choice};
}

base::Bytes encode(const Guard& guard) {
  base::Bytes out;
  append(out, guard.place_);
  append_proven(out, guard.locked_);
  append_proven(out, guard.valid_);
  append_option(out, guard.proposal_, [&](const Proposal& proposal) { append(out, proposal); });
  for (const auto& choice : {guard.prevote_, guard.precommit_})
    append_option(out, choice, [&](const Choice& value) { append(out, value); });
  return out;
}

std::optional<Guard> decode_guard(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Guard guard;
  guard.place_ = read_place(in);
  guard.locked_ = read_proven(in);
  guard.valid_ = read_proven(in);
  guard.proposal_ = read_option(in, [&] { return read_proposal(in); });
  for (auto* choice : {&guard.prevote_, &guard.precommit_}) *choice = read_option(in, [&] { return read_choice(in); });
  if (!in.ended() || !guard.consistent()) return std::nullopt;
  return guard;
}

}  // namespace troupe::chain
