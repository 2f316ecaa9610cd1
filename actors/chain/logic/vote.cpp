#include "actors/chain/logic/vote.hpp"

#include "actors/chain/logic/vote_fields.hpp"

namespace troupe::chain {
namespace {

template <class Content>
base::Bytes with_mark(std::string_view mark, const ChainId& chain, const Content& content) {
  base::Bytes out;
  base::append(out, base::as_bytes(mark));
  base::append(out, chain.view());
  base::append(out, encode(content));
  return out;
}

}  // namespace

base::Bytes encode(const Vote& vote) {
  base::Bytes out;
  vote_fields::append(out, vote.place);
  base::append_number(out, static_cast<std::uint8_t>(vote.step));
  vote_fields::append(out, vote.choice);
  return out;
}

std::optional<Vote> decode_vote(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Vote vote;
  vote.place = vote_fields::read_place(in);
  vote.step = static_cast<Step>(in.number<std::uint8_t>());
  vote.choice = vote_fields::read_choice(in);
  if (!in.ended() || (vote.step != Step::prevote && vote.step != Step::precommit)) return std::nullopt;
  return vote;
}

base::Bytes encode(const Proposal& proposal) {
  base::Bytes out;
  vote_fields::append(out, proposal.place);
  vote_fields::append_option(out, proposal.valid_round, [&](Round round) { base::append_number(out, round.value); });
  base::append(out, proposal.block.view());
  vote_fields::append_time(out, proposal.time);
  return out;
}

std::optional<Proposal> decode_proposal(base::ByteView bytes) {
  base::FieldReader in(bytes);
  const Proposal proposal = vote_fields::read_proposal(in);
  if (!in.ended()) return std::nullopt;
  return proposal;
}

base::Bytes signed_bytes(const ChainId& chain, const Vote& vote) { return with_mark("troupe vote v1", chain, vote); }
base::Bytes signed_bytes(const ChainId& chain, const Proposal& proposal) {
  return with_mark("troupe proposal v1", chain, proposal);
}

}  // namespace troupe::chain
