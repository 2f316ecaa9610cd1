// Neighbours: who they are, what they are told, what they lack, and the blocks that this node lacks.

#include "actors/chain/chain_actor.hpp"
#include "actors/chain/wire.hpp"
#include "messages/words.hpp"
#include "runtime/observe/date.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;

constexpr std::chrono::milliseconds kMendEach{300};   // our choice: longer than a round trip around the earth
constexpr std::chrono::seconds kNoQuorum{20};         // our choice
constexpr std::size_t kDateToSeconds = 19;            // of a date's text: the rest would change at each block
constexpr std::chrono::seconds kBlocksDue{20};        // our choice
constexpr std::chrono::seconds kBlocksLate{3};        // our choice: half an answer takes less, at 4 Mbit/s
constexpr std::size_t kGivenBytes = 2'500'000;        // below messages/chain.capnp: FinalBlocks
constexpr std::size_t kGivenBlocks = 500;             // our choice
constexpr std::chrono::milliseconds kGivenWait{100};  // our choice: about as long as one answer takes
constexpr std::size_t kMendedMax = 256;               // our choice: votes for one neighbour at a time
constexpr std::size_t kProposalsMended = 4;           // our choice: each may have 2 MiB
constexpr std::size_t kRoundsToldMax = 80;            // messages/chain.capnp
constexpr std::uint32_t kBlocksPieces = 40;           // of Neighbours::kServed, for an answer of kGivenBytes

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
  if (!consensus_ || neighbour.height > chain_.ledger.head().height.next()) sync();
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
  const auto whole = candidates_.find(proposal.content.block);
  const auto part = assemblies_.find(proposal.content.block);
  if (whole == candidates_.end() && part == assemblies_.end()) return;
  const Bytes bytes = encode(proposal);
  neighbours_.tell_all<wire::PushProposal>(except, [&](wire::PushProposal::Builder out) {
    out.setChain(data_of(chain_.id.view()));
    out.setProposal(data_of(bytes));
    if (whole != candidates_.end()) write(out.initBody(), *whole->second);
    else chain::write(out.initBody(), part->second.block, part->second.ids);
  });
}

void ChainActor::write(wire::ProposedBlock::Builder out, const Candidate& candidate) {
  std::vector<TxId> ids;
  for (const Approved& one : *candidate.transactions) ids.push_back(one.id());
  chain::write(out, candidate.block, ids);
}

/// While nothing goes on, neighbours are told what is held here: they send what is not.
void ChainActor::mend() {
  after<Mend>(kMendEach);
  if (!chain_.ready) return;
  forks_.look_for_forks();
  if (chain_.halted) return heads_.check_heads();
  sign_next();
  for (const BlockId& id : std::set<BlockId>(wanted_))
    if (consensus_) fetch(id);
  std::vector<BlockId> stalled;
  for (const auto& [id, assembly] : assemblies_) stalled.push_back(id);
  for (const BlockId& id : stalled)
    if (assemblies_.contains(id)) assemble_anew(id);
  tell_health();
  if (world().mutations.on("chain.not_mended")) return;
  if (std::exchange(progress_told_, progress_) != progress_ || !consensus_ || chain_.finishing) return;
  sync();
  const ValidatorSet& validators = *chain_.ledger.next().validators;
  std::map<Round, HeldHere> held;
  for (const SignedVote& vote : consensus_->votes()) {
    const auto index = validators.index_of(vote.validator);
    HeldHere& one = held[vote.content.place.round];
    (vote.content.step == Step::prevote ? one.prevotes : one.precommits).insert(*index);
  }
  for (const SignedProposal& proposal : consensus_->proposals()) held[proposal.content.place.round].proposal = true;
  while (held.size() > kRoundsToldMax) held.erase(held.begin());
  neighbours_.tell_all<wire::HeldVotes>(std::nullopt, [&](wire::HeldVotes::Builder out) {
    out.setChain(data_of(chain_.id.view()));
    out.setFork(chain_.fork.value);
    out.setHeight(consensus_->place().height.value);
    out.setRound(consensus_->place().round.value);
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
  if (!consensus_ || Height{held.getHeight()} != consensus_->place().height) return;
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
  std::vector<SignedProposal> latest_first = consensus_->proposals();
  std::ranges::reverse(latest_first);
  for (const SignedProposal& proposal : latest_first) {
    const auto row = there.find(proposal.content.place.round);
    if (row != there.end() && row->second.proposal) continue;
    const auto block = candidates_.find(proposal.content.block);
    if (block == candidates_.end()) continue;
    const std::size_t told = block->second->transactions->size() * (TxId::kBytes + 8);
    if (neighbours_.too_much(static_cast<std::uint32_t>(told / kPieceBytes + 1))) break;
    const Bytes bytes = encode(proposal);
    tell<wire::PushProposal>(handle, [&](wire::PushProposal::Builder out) {
      out.setChain(data_of(chain_.id.view()));
      out.setProposal(data_of(bytes));
      write(out.initBody(), *block->second);
    });
    if (++proposals >= kProposalsMended) break;
  }
  std::size_t sent = 0;
  for (const SignedVote& vote : consensus_->votes()) {
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

// -- blocks that this node lacks

/// Whether this node is about to get blocks. Who promises them and does not give them holds up nothing for long.
bool ChainActor::catching_up() const { return !synced_.empty() || now() < blocks_awaited_to_; }

void ChainActor::sync() {
  if (!chain_.ready || chain_.halted || chain_.finishing || !synced_.empty()) return;
  if (world().mutations.on("chain.not_synced")) return;
  if (now() < blocks_asked_.next()) return after<AskBeside>(blocks_asked_.next() - now());
  // One of those that have missed least.
  std::vector<base::NodeId> ahead;
  for (const base::NodeId& node_id : neighbours_.by_rank(&Conduct::blocks)) {
    const Neighbour& neighbour = neighbours_.all().at(node_id);
    if (neighbour.height <= chain_.ledger.head().height || neighbour.fork < chain_.fork ||
        !neighbour.blocks.may_ask(now()) || blocks_asked_.asks(node_id))
      continue;
    if (!ahead.empty() && neighbours_.all().at(ahead.front()).blocks.rank() < neighbour.blocks.rank()) break;
    ahead.push_back(node_id);
  }
  if (ahead.empty()) return;
  const base::NodeId id = ahead[random().below(ahead.size())];
  const Neighbour& one = neighbours_.all().at(id);
  const bool beside = blocks_asked_.waited_for() > 0;
  if (!beside) blocks_awaited_to_ = now() + kSyncPatience;
  blocks_asked_.ask(id, one.blocks.alone(), now());
  ask<wire::GetBlocks, wire::FinalBlocks>(
      one.handle, now() + kBlocksDue,
      [this, beside](wire::GetBlocks::Builder out) {
        out.setChain(data_of(chain_.id.view()));
        out.setFrom(chain_.ledger.head().height.next().value);
        // Who gives it is asked for more; the answer of the other one may be on its way.
        if (beside) out.setCountMax(1);
      },
      [this, id, fork = chain_.fork, from = chain_.ledger.head().height.next(),
       begin = now()](runtime::Answer<wire::FinalBlocks> answer) {
        blocks_asked_.answered(id);
        // If the chain went back meanwhile, it asks again.
        if (chain_.ready && fork == chain_.fork) got_blocks(id, from, now() - begin, std::move(answer));
      });
  after<AskBeside>(blocks_asked_.next() - now());
}

/// The first good answer counts: while blocks of one neighbour are at hand, those of others are of no use.
void ChainActor::got_blocks(const base::NodeId& id, Height from, base::Duration took,
                            runtime::Answer<wire::FinalBlocks> answer) {
  if (!answer.ok()) {
    blocks_awaited_to_ = {};
    const Code why = answer.error().code;
    if (neighbours_.says_little(why)) neighbours_.missed(id, &Conduct::blocks, why);
    else neighbours_.distrust(id);
    return begin_if_due();
  }
  if (!synced_.empty()) return;
  synced_from_ = id;
  const auto rows = answer.value().getRows();
  if (rows.size() > kGivenBlocks)
    neighbours_.accuse(id, net::wire::Violation::MALFORMED, "more blocks than a node gives");
  std::size_t bytes = 0;
  for (const auto row : rows) {
    if (rows.size() > kGivenBlocks) break;
    auto read = chain::read(row);
    if (!read) {
      neighbours_.accuse(id, net::wire::Violation::MALFORMED, "bytes that are no block with its commit");
      break;
    }
    if (read->second.place.height < from) break;  // below what it was asked for
    bytes += read->first.size();
    if (read->second.place.height > chain_.ledger.head().height) synced_.push_back(std::move(*read));
  }
  // What came meanwhile from others makes an answer useless, not false; and who takes long for little may do so each
  // time. Both are asked after others, and ever more rarely.
  const bool late = took > kBlocksLate && bytes < kGivenBytes / 2;
  synced_late_ = late || synced_.empty();
  if (synced_late_ && bytes > 0) neighbours_.missed(id, &Conduct::blocks, Code::overloaded);
  if (synced_.empty()) {
    blocks_awaited_to_ = {};
    if (bytes == 0) neighbours_.distrust(id);
    begin_if_due();
    return sync();
  }
  if (Conduct* const giver = neighbours_.conduct(id); giver != nullptr && !synced_late_) giver->blocks.took(took);
  take_next();
}

/// The next block that came whole, once the one before is the head.
void ChainActor::take_next() {
  while (!synced_.empty() && !chain_.finishing && !chain_.halted) {
    auto [bytes, commit] = std::move(synced_.front());
    synced_.pop_front();
    if (commit.place.height <= chain_.ledger.head().height) continue;
    const auto refuse = [this](const char* why) {
      chain_.settings.log.warn("a block of a neighbour was refused", {{"why", why}});
      synced_.clear();
      neighbours_.distrust(synced_from_);
    };
    auto block = parse_block(bytes);
    if (!block.ok()) {
      neighbours_.accuse(synced_from_, net::wire::Violation::MALFORMED, "bytes that are no block");
      refuse("no block");
      break;
    }
    const BlockId id = id_of(block.value().header);
    if (block.value().header.fork > chain_.fork && block.value().header.height == chain_.ledger.head().height.next()) {
      synced_.clear();  // first, why the chain goes on from here; who does not tell it has given nothing
      neighbours_.distrust(synced_from_);
      if (const auto from = neighbours_.all().find(synced_from_); from != neighbours_.all().end()) {
        from->second.forks_due = {};
        forks_.ask_forks(synced_from_);
      }
      break;
    }
    const auto proven = verify_commit(chain_.id, *chain_.ledger.next().validators,
                                      {chain_.fork, chain_.ledger.head().height.next(), id}, commit, crypto::verify);
    if (!proven.ok()) {
      // Of another fork it may be true there.
      if (commit.place.fork == chain_.fork)
        neighbours_.accuse(synced_from_, net::wire::Violation::BAD_RECORD,
                           "a block that its validators have not decided");
      refuse("its commit proves nothing");
      break;
    }
    auto transactions = approve(std::move(block.value().transactions));
    if (!transactions) {
      neighbours_.accuse(synced_from_, net::wire::Violation::BAD_RECORD,
                         "a block with a transaction that no key has signed");
      refuse("a transaction that is not approved");
      break;
    }
    auto candidate = judge(std::move(block).value(), std::move(*transactions));
    if (candidate->verdict != chain::Verdict::valid) {
      chain_.halted = true;
      if (candidate->block.header.parent != chain_.ledger.head().id)
        heads_.compare(synced_from_, chain_.ledger.head().height);
      return failed("over 2/3 of the validators decided a block that is invalid here: " + id.hex());
    }
    blocks_awaited_to_ = now() + kSyncPatience;
    blocks_asked_.given();
    const auto from = neighbours_.all().find(synced_from_);
    if (from != neighbours_.all().end() && !synced_late_) from->second.blocks.gave();
    return finish(std::move(candidate), commit, true);
  }
  if (!synced_.empty() || chain_.finishing) return;
  blocks_awaited_to_ = {};
  begin_if_due();
  sync();
}

struct ChainActor::Giving {
  Height at;
  std::size_t count = 0;  // at most
  std::vector<FinalRow> rows;
  std::size_t bytes = 0;
  std::optional<base::NodeId> to;
  runtime::Reply<wire::FinalBlocks> reply;
};

/// To each node one answer at a time: it is made of many rows of the disk.
void ChainActor::give(wire::GetBlocks::Reader ask, runtime::Reply<wire::FinalBlocks> reply) {
  if (!chain_.ready || !chain_.ours(ask.getChain()))
    return reply.refuse({Code::not_found, "this node has another chain"});
  const auto to = caller().node;
  if (to && (giving_.contains(*to) || giving_.size() >= kGivingMax))
    return reply.refuse({Code::overloaded, "this node reads blocks for others already", kGivenWait});
  const Height at{std::max<std::uint64_t>(ask.getFrom(), 1)};
  if (at <= chain_.ledger.head().height && neighbours_.refuse_much(kBlocksPieces, reply)) return;
  if (to) giving_.insert(*to);
  const std::size_t count =
      ask.getCountMax() == 0 ? kGivenBlocks : std::min<std::size_t>(ask.getCountMax(), kGivenBlocks);
  gather(std::make_shared<Giving>(Giving{at, count, {}, 0, to, std::move(reply)}));
}

void ChainActor::gather(std::shared_ptr<Giving> giving) {
  const auto answer = [this, giving] {
    if (giving->to) giving_.erase(*giving->to);
    giving->reply.send([&](wire::FinalBlocks::Builder out) {
      auto list = out.initRows(size32(giving->rows));
      for (unsigned i = 0; i < list.size(); ++i) chain::write(list[i], giving->rows[i].block, giving->rows[i].commit);
    });
  };
  if (giving->at > chain_.ledger.head().height || giving->rows.size() >= giving->count) return answer();
  chain_.ledger.block(giving->at, [this, giving, answer](base::Outcome<std::optional<FinalRow>> row) {
    if (!row.ok() || !row.value()) return answer();
    const std::size_t more = giving->bytes + row.value()->block.size() + row.value()->commit.votes.size() * 160 + 256;
    if (more > kGivenBytes && !giving->rows.empty()) return answer();
    giving->rows.push_back(std::move(*row.value()));
    giving->bytes = more;
    giving->at = giving->at.next();
    gather(giving);
  });
}

}  // namespace troupe::chain
