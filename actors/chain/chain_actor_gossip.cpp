// Neighbours: who they are, what they are told, what they lack, and the blocks that this node lacks.
#include "actors/chain/chain_actor.hpp"
#include "messages/words.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;

constexpr std::chrono::milliseconds kGreetEach{500};  // our choice
constexpr std::chrono::seconds kHeadDue{5};           // our choice
constexpr std::chrono::milliseconds kMendEach{300};   // our choice: longer than a round trip around the earth
constexpr std::chrono::seconds kNoQuorum{20};         // our choice
constexpr std::chrono::seconds kBlocksDue{20};        // our choice
constexpr std::size_t kGivenBytes = 2'500'000;        // below messages/chain.capnp: FinalBlocks
constexpr std::size_t kGivenBlocks = 500;             // our choice
constexpr std::size_t kMendedMax = 256;               // our choice: votes for one neighbour at a time
constexpr std::size_t kRoundsToldMax = 80;            // messages/chain.capnp

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

// -- who they are

void ChainActor::greet() {
  after<Greet>(kGreetEach);
  if (!ready_ || settings_.dev) return;
  std::set<base::NodeId> linked;
  for (const net::LinkInfo& link : settings_.pool->rows())
    if (link.role == messages::Role::peer) linked.insert(link.node);
  std::erase_if(neighbours_, [&](const auto& one) { return !linked.contains(one.first); });
  for (const base::NodeId& id : linked) {
    if (neighbours_.size() + greeting_.size() >= kNeighboursMax) break;
    if (neighbours_.contains(id) || strangers_.contains(id) || !greeting_.insert(id).second) continue;
    const runtime::Handle handle = settings_.pool->remote(id, kPath);
    ask<wire::GetChainHead, wire::ChainHead>(
        handle, now() + kHeadDue, [this](wire::GetChainHead::Builder out) { out.setChain(data_of(chain_.view())); },
        [this, id, handle](runtime::Answer<wire::ChainHead> answer) {
          greeting_.erase(id);
          if (answer.ok() && ours(answer.value().getChain())) return hear_head(id, handle, answer.value());
          // Of another chain, or of none: asked again once it has a new link.
          const bool lasting =
              !answer.ok() && (answer.error().code == Code::not_found || answer.error().code == Code::refused ||
                               answer.error().code == Code::unsupported);
          if (lasting) strangers_.insert(id);
        });
  }
  std::erase_if(strangers_, [&](const base::NodeId& id) { return !linked.contains(id); });
}

void ChainActor::hear_head(const base::NodeId& node_id, const runtime::Handle& handle, wire::ChainHead::Reader head) {
  if (!neighbours_.contains(node_id) && neighbours_.size() >= kNeighboursMax) return;
  const auto [at, first] = neighbours_.try_emplace(node_id);
  Neighbour& neighbour = at->second;
  if (first) neighbour.handle = handle;
  neighbour.height = std::max(neighbour.height, Height{head.getHeight()});
  if (first) {
    tell<wire::ChainHead>(neighbour.handle, [this](wire::ChainHead::Builder out) { write_head(out); });
    // What waits here may be news there.
    for (const Approved* one : mempool_.first(kPoolCountMax)) to_tell_.push_back(one->id());
    after<TellTransactions>({});
  }
  // The block at hand comes by votes; who is further behind has missed it.
  if (!consensus_ || neighbour.height > ledger_.head().height.next()) sync();
}

void ChainActor::write_head(wire::ChainHead::Builder out) const {
  out.setChain(data_of(chain_.view()));
  out.setHeight(ledger_.head().height.value);
  out.setBlock(data_of(ledger_.head().id.view()));
}

template <class Message, class Fill>
void ChainActor::tell_all(const std::optional<base::NodeId>& except, Fill&& fill) {
  for (const auto& [node_id, neighbour] : neighbours_)
    if (node_id != except) tell<Message>(neighbour.handle, fill);
}

void ChainActor::tell_head() {
  tell_all<wire::ChainHead>(std::nullopt, [this](wire::ChainHead::Builder out) { write_head(out); });
}

void ChainActor::tell_health() {
  if (settings_.health == nullptr) return;
  const auto empty = std::chrono::milliseconds(ledger_.next().parameters[Param::block_empty_ms]);
  if (now() < since_ + empty + kNoQuorum) return settings_.health->clear(kHealthSource);
  settings_.health->raise(kHealthSource, observe::HealthState::degraded,
                          "no quorum: no block is final since that of height " +
                              std::to_string(ledger_.head().height.value) + "; too few validators are heard");
}

// -- votes and proposals

void ChainActor::push(const SignedVote& vote, const std::optional<base::NodeId>& except) {
  const Bytes bytes = encode(vote);
  tell_all<wire::PushVote>(except, [&](wire::PushVote::Builder out) {
    out.setChain(data_of(chain_.view()));
    out.setVote(data_of(bytes));
  });
}

void ChainActor::push(const SignedProposal& proposal, wire::ProposedBlock::Reader body,
                      const std::optional<base::NodeId>& except) {
  const Bytes bytes = encode(proposal);
  tell_all<wire::PushProposal>(except, [&](wire::PushProposal::Builder out) {
    out.setChain(data_of(chain_.view()));
    out.setProposal(data_of(bytes));
    out.setBody(body);
  });
}

void ChainActor::push_own(const SignedProposal& proposal, const Candidate& candidate) {
  const Bytes bytes = encode(proposal);
  tell_all<wire::PushProposal>(std::nullopt, [&](wire::PushProposal::Builder out) {
    out.setChain(data_of(chain_.view()));
    out.setProposal(data_of(bytes));
    write(out.initBody(), candidate);
  });
}

void ChainActor::write(wire::ProposedBlock::Builder out, const Candidate& candidate) const {
  const Bytes header = encode(candidate.block.header);
  Bytes ids;
  for (const Approved& one : *candidate.transactions) base::append(ids, one.id().view());
  out.setHeader(data_of(header));
  out.setTransactions(data_of(ids));
  const auto set = [](capnp::List<capnp::Data>::Builder to, const std::vector<Bytes>& from) {
    for (unsigned i = 0; i < to.size(); ++i) to.set(i, data_of(from[i]));
  };
  const Block& block = candidate.block;
  set(out.initEvidence(size32(block.evidence)), block.evidence);
  set(out.initCommit(size32(block.commit)), block.commit);
  set(out.initLate(size32(block.late)), block.late);
}

/// While nothing goes on, neighbours are told what is held here: they send what is not.
void ChainActor::mend() {
  after<Mend>(kMendEach);
  if (!ready_ || halted_) return;
  sign_next();
  for (const BlockId& id : std::set<BlockId>(wanted_))
    if (consensus_) fetch(id);
  std::vector<BlockId> stalled;
  for (const auto& [id, assembly] : assemblies_)
    if (!assembly.asking) stalled.push_back(id);
  for (const BlockId& id : stalled) {
    if (neighbours_.empty() || !assemblies_.contains(id)) continue;
    const auto some = std::next(neighbours_.begin(), static_cast<std::ptrdiff_t>(random().below(neighbours_.size())));
    assemble(id, some->second.handle);
  }
  tell_health();
  if (world().mutations.on("chain.not_mended")) return;
  if (std::exchange(progress_told_, progress_) != progress_ || !consensus_ || finishing_) return;
  sync();
  const ValidatorSet& validators = *ledger_.next().validators;
  std::map<Round, HeldHere> held;
  for (const SignedVote& vote : consensus_->votes()) {
    const auto index = validators.index_of(vote.validator);
    HeldHere& one = held[vote.content.place.round];
    (vote.content.step == Step::prevote ? one.prevotes : one.precommits).insert(*index);
  }
  for (const SignedProposal& proposal : consensus_->proposals()) held[proposal.content.place.round].proposal = true;
  while (held.size() > kRoundsToldMax) held.erase(held.begin());
  tell_all<wire::HeldVotes>(std::nullopt, [&](wire::HeldVotes::Builder out) {
    out.setChain(data_of(chain_.view()));
    out.setFork(fork_.value);
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
  if (!ready_ || !from || !ours(held.getChain()) || held.getFork() != fork_.value) return;
  const runtime::Handle handle = at(*from);
  if (Height{held.getHeight()} <= ledger_.head().height)
    return tell<wire::ChainHead>(handle, [this](wire::ChainHead::Builder out) { write_head(out); });
  if (!consensus_ || Height{held.getHeight()} != consensus_->place().height) return;
  std::map<Round, wire::HeldRound::Reader> there;
  for (const auto round : held.getRounds())
    if (there.size() < kRoundsToldMax) there.emplace(Round{round.getRound()}, round);
  const ValidatorSet& validators = *ledger_.next().validators;
  for (const SignedProposal& proposal : consensus_->proposals()) {
    const auto row = there.find(proposal.content.place.round);
    if (row != there.end() && row->second.getProposal()) continue;
    const auto block = candidates_.find(proposal.content.block);
    if (block == candidates_.end()) continue;
    const Bytes bytes = encode(proposal);
    tell<wire::PushProposal>(handle, [&](wire::PushProposal::Builder out) {
      out.setChain(data_of(chain_.view()));
      out.setProposal(data_of(bytes));
      write(out.initBody(), *block->second);
    });
  }
  std::size_t sent = 0;
  for (const SignedVote& vote : consensus_->votes()) {
    const auto row = there.find(vote.content.place.round);
    const bool prevote = vote.content.step == Step::prevote;
    const std::size_t index = *validators.index_of(vote.validator);
    if (row != there.end() && has_bit(prevote ? row->second.getPrevotes() : row->second.getPrecommits(), index))
      continue;
    const Bytes bytes = encode(vote);
    tell<wire::PushVote>(handle, [&](wire::PushVote::Builder out) {
      out.setChain(data_of(chain_.view()));
      out.setVote(data_of(bytes));
    });
    if (++sent >= kMendedMax) break;
  }
}

// -- blocks that this node lacks

void ChainActor::sync() {
  if (!ready_ || halted_ || syncing_ || finishing_) return;
  std::vector<const Neighbour*> ahead;
  for (const auto& [node_id, neighbour] : neighbours_)
    if (neighbour.height > ledger_.head().height) ahead.push_back(&neighbour);
  if (ahead.empty()) return;
  const Neighbour& one = *ahead[random().below(ahead.size())];
  syncing_ = true;
  ask<wire::GetBlocks, wire::FinalBlocks>(
      one.handle, now() + kBlocksDue,
      [this](wire::GetBlocks::Builder out) {
        out.setChain(data_of(chain_.view()));
        out.setFrom(ledger_.head().height.next().value);
      },
      [this](runtime::Answer<wire::FinalBlocks> answer) {
        if (!answer.ok()) {
          syncing_ = false;
          return begin_if_due();
        }
        for (const auto row : answer.value().getRows()) {
          std::vector<Bytes> entries;
          for (const auto entry : row.getCommit()) entries.emplace_back(entry.begin(), entry.end());
          const auto commit = commit_of(entries);
          if (!commit) break;
          synced_.emplace_back(Bytes(row.getBlock().begin(), row.getBlock().end()), *commit);
        }
        if (synced_.empty()) syncing_ = false;
        take_next();
      });
}

/// The next block that came whole, once the one before is the head.
void ChainActor::take_next() {
  while (!synced_.empty() && !finishing_ && !halted_) {
    auto [bytes, commit] = std::move(synced_.front());
    synced_.pop_front();
    if (commit.place.height <= ledger_.head().height) continue;
    const auto refuse = [this](const char* why) {
      settings_.log.warn("a block of a neighbour was refused", {{"why", why}});
      synced_.clear();
    };
    auto block = parse_block(bytes);
    if (!block.ok()) {
      refuse("no block");
      break;
    }
    const BlockId id = id_of(block.value().header);
    const auto proven = verify_commit(chain_, *ledger_.next().validators, {fork_, ledger_.head().height.next(), id},
                                      commit, crypto::verify);
    if (!proven.ok()) {
      refuse("its commit proves nothing");
      break;
    }
    std::vector<Approved> transactions;
    for (const SignedTransaction& one : block.value().transactions)
      if (auto approved = Approved::verify(one, chain_, fork_); approved.ok())
        transactions.push_back(std::move(approved).value());
    if (transactions.size() != block.value().transactions.size()) {
      refuse("a transaction that is not approved");
      break;
    }
    auto candidate = judge(std::move(block).value(), std::move(transactions));
    if (candidate->verdict != chain::Verdict::valid) {
      halted_ = true;
      return failed("over 2/3 of the validators decided a block that is invalid here: " + id.hex());
    }
    return finish(std::move(candidate), commit, true);
  }
  if (!synced_.empty() || finishing_) return;
  if (std::exchange(syncing_, false)) begin_if_due();
  sync();
}

void ChainActor::give(wire::GetBlocks::Reader ask, runtime::Reply<wire::FinalBlocks> reply) {
  if (!ready_ || !ours(ask.getChain())) return reply.refuse({Code::not_found, "this node has another chain"});
  gather(Height{std::max<std::uint64_t>(ask.getFrom(), 1)}, std::make_shared<std::vector<FinalRow>>(), 0,
         std::move(reply));
}

void ChainActor::gather(Height at, std::shared_ptr<std::vector<FinalRow>> so_far, std::size_t bytes,
                        runtime::Reply<wire::FinalBlocks> reply) {
  const auto answer = [so_far](runtime::Reply<wire::FinalBlocks>& to) {
    to.send([&](wire::FinalBlocks::Builder out) {
      auto list = out.initRows(size32(*so_far));
      for (unsigned i = 0; i < list.size(); ++i) {
        list[i].setBlock(data_of((*so_far)[i].block));
        const auto entries = commit_entries((*so_far)[i].commit);
        auto commit = list[i].initCommit(size32(entries));
        for (unsigned k = 0; k < commit.size(); ++k) commit.set(k, data_of(entries[k]));
      }
    });
  };
  if (at > ledger_.head().height || so_far->size() >= kGivenBlocks) return answer(reply);
  ledger_.block(at, [this, at, so_far, bytes, answer,
                     reply = std::move(reply)](base::Outcome<std::optional<FinalRow>> row) mutable {
    if (!row.ok() || !row.value()) return answer(reply);
    const std::size_t more = bytes + row.value()->block.size() + row.value()->commit.votes.size() * 160 + 256;
    if (more > kGivenBytes && !so_far->empty()) return answer(reply);
    so_far->push_back(std::move(*row.value()));
    gather(at.next(), so_far, more, std::move(reply));
  });
}

}  // namespace troupe::chain
