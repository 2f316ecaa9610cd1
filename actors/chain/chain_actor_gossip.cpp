// Neighbours: what they are told, and what they lack.
#include "actors/chain/chain_actor.hpp"
#include "actors/chain/wire.hpp"
#include "messages/words.hpp"
#include "runtime/observe/date.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;

constexpr std::chrono::milliseconds kMendEach{300};  // our choice: longer than a round trip around the earth
constexpr std::chrono::seconds kNoQuorum{20};        // our choice
constexpr std::size_t kDateToSeconds = 19;           // of a date's text: the rest would change at each block
constexpr std::size_t kMendedMax = 256;              // our choice: votes for one neighbour at a time
constexpr std::size_t kProposalsMended = 4;          // our choice: each may have 2 MiB
constexpr std::size_t kRoundsToldMax = 80;           // messages/chain.capnp

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

void ChainActor::hear_head(const base::NodeId& node_id, wire::ChainHead::Reader head) {
  const auto came = neighbours_.hear(node_id, head);
  if (came == Neighbours::Came::no_place) return;
  Neighbour& neighbour = neighbours_.all().at(node_id);
  if (came == Neighbours::Came::first) {
    rejoining_.came(node_id);
    tell<wire::ChainHead>(neighbour.handle, [this](wire::ChainHead::Builder out) { neighbours_.write_head(out); });
    // What waits here may be news there.
    neighbour.pool_from.emplace();
    after<TellPool>(base::Duration::zero());
  }
  if (neighbour.fork > chain_.fork) forks_.ask_forks(node_id);
  heads_.check_head(node_id);
  // The block at hand comes by votes; who is further behind has missed it.
  if (!chain_.consensus || neighbour.height > chain_.ledger.head().height.next()) sync_.sync();
}

/// A block is overdue.
bool ChainActor::stands_still() const {
  const auto empty = std::chrono::milliseconds(chain_.ledger.next().parameters[Param::block_empty_ms]);
  return now() >= since_ + empty + kNoQuorum;
}

void ChainActor::tell_health() {
  if (chain_.settings.health == nullptr) return;
  tell_date();
  if (!stands_still()) return chain_.settings.health->clear(kHealthSource);
  chain_.settings.health->raise(kHealthSource, observe::HealthState::degraded,
                                "no quorum: no block is final since that of height " +
                                    std::to_string(chain_.ledger.head().height.value) +
                                    "; too few validators are heard");
}

/// Validators were ahead when they made the last block, or this node is behind.
void ChainActor::tell_date() {
  const UnixMs date = chain_.ledger.head().time;
  const auto precision = UnixMs(chain_.ledger.next().parameters[Param::block_precision_ms]);
  if (date <= unix_ms() + precision) return chain_.settings.health->clear(kDateSource);
  const std::string text = observe::date_text(base::WallTime(date)).substr(0, kDateToSeconds) + 'Z';
  chain_.settings.health->raise(
      kDateSource, observe::HealthState::degraded,
      "the date of the last block is " + text +
          ", which is later than this node's date: until then each block is dated 1 ms after the "
          "last block; check the date of this node and of the validators");
}

// -- votes and proposals

void ChainActor::push(const SignedVote& vote, const std::optional<base::NodeId>& except) {
  const Bytes bytes = encode(vote);
  neighbours_.tell_all<wire::PushVote>(except, [&](wire::PushVote::Builder out) {
    out.setChain(data_of(chain_.id.view()));
    out.setVote(data_of(bytes));
  });
}

/// With its block as it was read or built here, never as it came: a message may have parts that no one has looked at.
void ChainActor::push(const SignedProposal& proposal, const std::optional<base::NodeId>& except) {
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

/// While nothing goes on, neighbours are told what is held here: they send what is not.
void ChainActor::mend() {
  after<Mend>(kMendEach);
  if (!chain_.ready) return;
  forks_.look_for_forks();
  if (chain_.halted) return heads_.check_heads();
  sign_next();
  assembly_.ask_again();
  tell_health();
  if (world().mutations.on("chain.not_mended")) return;
  if (std::exchange(progress_told_, progress_) != progress_ || !chain_.consensus || chain_.finishing) return;
  sync_.sync();
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

void ChainActor::hear_held(wire::HeldVotes::Reader held) {
  const auto from = caller().node;
  if (!from || !neighbours_.told_ours(held.getChain()) || held.getFork() != chain_.fork.value) return;
  const auto neighbour = neighbours_.all().find(*from);
  // What it is sent may be large: it is told no more often than it may ask.
  if (neighbour == neighbours_.all().end() || now() < neighbour->second.mended + kMendEach / 2 ||
      neighbours_.too_much(1))
    return;
  neighbour->second.mended = now();
  const runtime::Handle handle = neighbours_.at(*from);
  if (Height{held.getHeight()} <= chain_.ledger.head().height)
    return tell<wire::ChainHead>(handle, [this](wire::ChainHead::Builder out) { neighbours_.write_head(out); });
  if (!chain_.consensus || Height{held.getHeight()} != chain_.consensus->place().height) return;
  // Read once: what a message may be read in all is bounded, and there may be many votes.
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
