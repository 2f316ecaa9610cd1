#include "actors/chain/vote_repair.hpp"

#include "actors/chain/wire.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;

constexpr std::size_t kMendedMax = 256;      // our choice: votes per neighbour at a time
constexpr std::size_t kProposalsMended = 4;  // our choice: each may have 2 MiB
constexpr std::size_t kRoundsToldMax = 80;   // messages/chain.capnp

Bytes bits_of(const std::set<std::size_t>& indices) {
  Bytes out;
  for (const std::size_t index : indices) {
    if (out.size() <= index / 8) out.resize(index / 8 + 1);
    out[index / 8] = static_cast<std::uint8_t>(out[index / 8] | 1u << index % 8);
  }
  return out;
}
bool has_bit(capnp::Data::Reader bits, std::size_t index) {
  return index / 8 < bits.size() && (bits[index / 8] >> index % 8 & 1) != 0;
}

struct HeldHere {
  bool proposal = false;
  std::set<std::size_t> prevotes, precommits;
};

}  // namespace

void VoteRepair::push(const SignedVote& vote, const std::optional<base::NodeId>& except) {
  const Bytes bytes = encode(vote);
  neighbours_.tell_all<wire::PushVote>(except, [&](wire::PushVote::Builder out) {
    out.setChain(data_of(chain_.id.view()));
    out.setVote(data_of(bytes));
  });
}

void VoteRepair::push(const SignedProposal& proposal, const std::optional<base::NodeId>& except) {
  const auto whole = assembly_.find(proposal.content.block);
  const auto* part = assembly_.part_of(proposal.content.block);
  if (!whole && part == nullptr) return;
  const Bytes bytes = encode(proposal);
  neighbours_.tell_all<wire::PushProposal>(except, [&](wire::PushProposal::Builder out) {
    out.setChain(data_of(chain_.id.view()));
    out.setProposal(data_of(bytes));
    if (whole) chain::write(out.initBody(), *whole);
    else chain::write(out.initBody(), part->block, part->ids);
  });
}

void VoteRepair::tell_held() {
  const ValidatorSet& validators = *chain_.ledger.next().validators;
  std::map<Round, HeldHere> held;
  for (const SignedVote& vote : chain_.consensus->votes()) {
    const auto index = validators.index_of(vote.validator);
    HeldHere& one = held[vote.content.place.round];
    (vote.content.step == Step::prevote ? one.prevotes : one.precommits).insert(*index);
  }
  for (const SignedProposal& proposal : chain_.consensus->proposals())
    held[proposal.content.place.round].proposal = true;
  while (held.size() > kRoundsToldMax) held.erase(held.begin());
  neighbours_.tell_all<wire::HeldVotes>(std::nullopt, [&](wire::HeldVotes::Builder out) {
    out.setChain(data_of(chain_.id.view()));
    out.setFork(chain_.fork.value);
    out.setHeight(chain_.consensus->place().height.value);
    out.setRound(chain_.consensus->place().round.value);
    auto rounds = out.initRounds(size32(held));
    unsigned i = 0;
    for (const auto& [round, one] : held) {
      auto row = rounds[i++];
      row.setRound(round.value);
      row.setProposal(one.proposal);
      const Bytes prevotes = bits_of(one.prevotes), precommits = bits_of(one.precommits);
      row.setPrevotes(data_of(prevotes));
      row.setPrecommits(data_of(precommits));
    }
  });
}

void VoteRepair::hear_held(wire::HeldVotes::Reader held) {
  const auto from = caller().node;
  if (!from || !neighbours_.told_ours(held.getChain()) || held.getFork() != chain_.fork.value) return;
  Neighbour* const neighbour = neighbours_.find(*from);
  // The reply may be large: it is sent at most as often as a neighbour may ask.
  if (neighbour == nullptr || now() < neighbour->mended + kMendEach / 2 || neighbours_.too_much(1)) return;
  neighbour->mended = now();
  const runtime::Handle handle = neighbours_.at(*from);
  if (Height{held.getHeight()} <= chain_.ledger.head().height)
    return tell<wire::ChainHead>(handle, [this](wire::ChainHead::Builder out) { neighbours_.write_head(out); });
  if (!chain_.consensus || Height{held.getHeight()} != chain_.consensus->place().height) return;
  // Reads them once: what may be read of a message in total is bounded, and there may be many votes.
  struct Held {
    bool proposal;
    capnp::Data::Reader prevotes, precommits;
  };
  std::map<Round, Held> there;
  for (const auto round : held.getRounds())
    if (there.size() < kRoundsToldMax)
      there.emplace(Round{round.getRound()}, Held{round.getProposal(), round.getPrevotes(), round.getPrecommits()});
  const ValidatorSet& validators = *chain_.ledger.next().validators;
  std::size_t proposals = 0;
  std::vector<SignedProposal> latest_first = chain_.consensus->proposals();
  std::ranges::reverse(latest_first);
  for (const SignedProposal& proposal : latest_first) {
    const auto row = there.find(proposal.content.place.round);
    if (row != there.end() && row->second.proposal) continue;
    const auto block = assembly_.find(proposal.content.block);
    if (!block) continue;
    const std::size_t told = block->transactions->size() * (TxId::kBytes + 8);
    if (neighbours_.too_much(static_cast<std::uint32_t>(told / kPieceBytes + 1))) break;
    const Bytes bytes = encode(proposal);
    tell<wire::PushProposal>(handle, [&](wire::PushProposal::Builder out) {
      out.setChain(data_of(chain_.id.view()));
      out.setProposal(data_of(bytes));
      chain::write(out.initBody(), *block);
    });
    if (++proposals >= kProposalsMended) break;
  }
  std::size_t sent = 0;
  for (const SignedVote& vote : chain_.consensus->votes()) {
    const auto row = there.find(vote.content.place.round);
    const bool prevote = vote.content.step == Step::prevote;
    const std::size_t index = *validators.index_of(vote.validator);
    if (row != there.end() && has_bit(prevote ? row->second.prevotes : row->second.precommits, index)) continue;
    const Bytes bytes = encode(vote);
    tell<wire::PushVote>(handle, [&](wire::PushVote::Builder out) {
      out.setChain(data_of(chain_.id.view()));
      out.setVote(data_of(bytes));
    });
    if (++sent >= kMendedMax) break;
  }
}

}  // namespace troupe::chain
