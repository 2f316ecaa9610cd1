#include "actors/chain/logic/vote.hpp"

#include "actors/chain/logic/forms.hpp"

namespace troupe::chain {
namespace {

constexpr unsigned kVoteWords = 3, kProposalWords = 4, kSignedPointers = 3;
constexpr std::uint64_t kAgain = std::uint64_t{1} << 32;  // the bit after the valid round

template <class Content>
base::Bytes encode_signed(const Signed<Content>& one) {
  return CanonStruct().data(encode(one.content)).data(one.validator.view()).data(one.signature.view()).encode();
}

template <class Content>
std::optional<Signed<Content>> parse_signed(base::ByteView bytes, std::optional<Content> (*parse)(base::ByteView)) {
  CanonReader in(bytes);
  const auto root = in.root(0, kSignedPointers);
  const auto content = parse(in.data(root, 0, kProposalBytesMax));
  Signed<Content> out;
  out.validator = in.fixed<base::NodeId>(root, 1);
  out.signature = in.fixed<crypto::Signature>(root, 2);
  if (!in.ended() || !content) return std::nullopt;
  out.content = *content;
  return out;
}

}  // namespace

base::Bytes encode(const Vote& vote) {
  CanonStruct out;
  append(out, vote.place);
  out.words.push_back(static_cast<std::uint64_t>(vote.step));
  return out.data(vote.choice ? vote.choice->view() : base::ByteView{}).encode();
}

std::optional<Vote> parse_vote(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(kVoteWords, 1);
  Vote out;
  out.place = read_place(in, root);
  const std::uint64_t step = in.word(root, 2);
  out.step = step == static_cast<std::uint64_t>(Step::prevote) ? Step::prevote : Step::precommit;
  if (in.has(root, 0)) out.choice = in.fixed<BlockId>(root, 0);
  if (!in.ended() || step != static_cast<std::uint64_t>(out.step)) return std::nullopt;
  return out;
}

base::Bytes encode(const Proposal& proposal) {
  CanonStruct out;
  append(out, proposal.place);
  out.words.push_back(static_cast<std::uint64_t>(proposal.time.count()));
  out.words.push_back(proposal.valid_round ? kAgain | proposal.valid_round->value : 0);
  return out.data(proposal.block.view()).encode();
}

std::optional<Proposal> parse_proposal(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(kProposalWords, 1);
  Proposal out;
  out.place = read_place(in, root);
  const std::uint64_t time = in.word(root, 2), valid = in.word(root, 3);
  if (valid != 0) out.valid_round = Round{static_cast<std::uint32_t>(valid)};
  out.block = in.fixed<BlockId>(root, 0);
  if (!in.ended() || time > static_cast<std::uint64_t>(kTimeMax.count())) return std::nullopt;
  if (valid != 0 && valid >> 32 != 1) return std::nullopt;
  out.time = UnixMs(static_cast<std::int64_t>(time));
  return out;
}

base::Bytes encode(const SignedVote& vote) { return encode_signed(vote); }
base::Bytes encode(const SignedProposal& proposal) { return encode_signed(proposal); }
std::optional<SignedVote> parse_signed_vote(base::ByteView bytes) { return parse_signed(bytes, &parse_vote); }
std::optional<SignedProposal> parse_signed_proposal(base::ByteView bytes) {
  return parse_signed(bytes, &parse_proposal);
}

base::Bytes signed_bytes(const ChainId& chain, const Vote& vote) {
  return signed_bytes("troupe vote v1", chain, vote.place.fork, encode(vote));
}
base::Bytes signed_bytes(const ChainId& chain, const Proposal& proposal) {
  return signed_bytes("troupe proposal v1", chain, proposal.place.fork, encode(proposal));
}

}  // namespace troupe::chain
