// Blocks of the next height: built, put together from what is here, judged, run and kept.
#include <algorithm>
#include <numeric>

#include "actors/chain/chain_actor.hpp"
#include "actors/chain/wire.hpp"
#include "messages/words.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;

constexpr std::chrono::seconds kFetchDue{5};        // our choice
constexpr std::chrono::milliseconds kAskNext{500};  // our choice: longer than a round trip around the earth
constexpr std::size_t kAskedMax = 3;                // neighbours, for one block
constexpr std::size_t kSpans = 100;                 // messages/chain.capnp: blockTimeMs

/// What the next one in the block finds: as the machine does it, which runs the block once it is decided.
void happens(StateView& view, Totals& totals, const Parameters& parameters, const Approved& one, UnixMs time) {
  const Transaction& content = one.content();
  Account& payer = view.account(content.payer());
  payer.balance = payer.balance - *fee_of(one, totals.base_fee);
  Account& from = view.account(content.from);
  ++from.nonce.value;
  if (const auto* transfer = std::get_if<Transfer>(&content.body)) {
    from.balance = from.balance - total_of(*transfer);
    for (const wallet::Credit& credit : transfer->credits) {
      Account& to = view.account(credit.to);
      to.balance = to.balance + credit.amount;
    }
    return;
  }
  const auto amount = wallet::Amount::of(parameters[Param::faucet_amount]);
  totals.faucet_pot = totals.faucet_pot - amount;
  from.balance = from.balance + amount;
  from.faucet = time;
}

/// For its nonce, or for a lower base fee: a proposer that put it into a block too early has not changed that.
bool may_wait(Outcome outcome) { return outcome == Outcome::nonce || outcome == Outcome::price; }

}  // namespace

// -- built here

Block ChainActor::next_block(UnixMs time) const {
  const NextBlock& next = chain_.ledger.next();
  const rows::Head& head = chain_.ledger.head();
  Block block;
  Header& header = block.header;
  header.fork = chain_.fork;
  header.height = head.height.next();
  header.time = time;
  header.proposer = chain_.settings.self();
  header.parent = head.id;
  header.blocks = next.blocks;
  header.validators = hash_of(*next.validators);
  header.next_validators = hash_of(*next.next_validators);
  header.parameters = hash_of(next.parameters);
  header.state = head.state.hash;
  header.receipts = head.receipts;
  if (chain_.ledger.head_commit()) block.commit = commit_entries(head_commit());
  const std::size_t block_bytes = next.parameters[Param::block_bytes];
  block.late = late_for(late(), next.presence, chain_.fork, block_bytes);
  std::vector<Evidence> proofs;
  for (const auto& [liar, evidence] : evidence_) proofs.push_back(evidence);
  block.evidence = evidence_for(proofs, evidence_view(chain_, world().mutations), block_bytes);
  return block;
}

void ChainActor::build(Round round) {
  Block block = next_block(next_time(chain_.ledger.head().time, unix_ms()));
  const std::size_t bytes = bytes_left(block, chain_.ledger.next().parameters);
  const auto picked = std::make_shared<Picked>();
  chain_.ledger.with_rows(
      [this, picked, bytes, height = block.header.height, time = block.header.time] {
        const NextBlock& now_next = chain_.ledger.next();
        StateView view = chain_.ledger.view();
        Totals totals = now_next.totals;
        const auto taken = [&](const Approved& one) {
          if (admissible(view, totals, now_next.parameters, one, height, time) != Outcome::done) return false;
          happens(view, totals, now_next.parameters, one, time);
          return true;
        };
        const Gas gas{now_next.parameters[Param::block_gas]};
        *picked = chain_.mempool.pick(gas, bytes, totals.base_fee, height, taken);
        return !view.damage();
      },
      [this, round, picked, block = std::move(block)](const base::Outcome<void>& whole) mutable {
        if (!whole.ok()) return failed(whole.error().message);
        if (!consensus_ || consensus_->place().height != block.header.height || block.header.fork != chain_.fork)
          return;
        for (const TxId& id : picked->refused) chain_.mempool.drop(id);
        chain_.settings.counters->pending = chain_.mempool.count();
        seal(block, picked->transactions);
        auto candidate = judge(chain_, std::move(block), std::move(picked->transactions), world().mutations);
        base::ensure(candidate->verdict == Verdict::valid, "what is built here is valid here");
        candidates_[candidate->id] = candidate;
        consensus_->built(round, candidate->id, candidate->block.header.time);
        drive();
      });
}

// -- whole here, and valid or not

void ChainActor::add(std::shared_ptr<const Candidate> candidate) {
  if (candidates_.size() >= kCandidatesMax) return;
  const Header& header = candidate->block.header;
  const BlockId id = candidate->id;
  const auto verdict = candidate->verdict;
  wanted_.erase(id);
  assemblies_.erase(id);
  candidates_[id] = std::move(candidate);
  ++progress_;
  if (!consensus_) return;
  consensus_->block(id, header.time, header.proposer, verdict);
  drive();
}

// -- from others

void ChainActor::fetch(const BlockId& id) {
  if (const auto here = candidates_.find(id); here != candidates_.end()) {
    const Header& header = here->second->block.header;
    return consensus_->block(id, header.time, header.proposer, here->second->verdict);
  }
  if (assemblies_.contains(id)) return;
  wanted_.insert(id);
  if (neighbours_.all().empty() || world().mutations.on("chain.block_unasked")) return;
  // Who proposes it has it. The others are others each time: those that were asked before may not have it, or not want
  // to give it.
  const auto proposal = proposal_of(id);
  auto at = std::next(neighbours_.all().begin(), static_cast<std::ptrdiff_t>(random().below(neighbours_.all().size())));
  if (proposal && neighbours_.all().contains(proposal->validator)) ask_for(id, proposal->validator);
  for (std::size_t asked = 0; asked < std::min(kAskedMax, neighbours_.all().size()); ++asked, ++at) {
    if (at == neighbours_.all().end()) at = neighbours_.all().begin();
    if (!proposal || at->first != proposal->validator) ask_for(id, at->first);
  }
}

void ChainActor::ask_for(const BlockId& id, const base::NodeId& from) {
  ask<wire::GetProposed, wire::PushProposal>(
      neighbours_.all().at(from).handle, now() + kFetchDue,
      [&](wire::GetProposed::Builder out) {
        out.setChain(data_of(chain_.id.view()));
        out.setBlock(data_of(id.view()));
      },
      [this, id, from](runtime::Answer<wire::PushProposal> answer) {
        if (!answer.ok() || !wanted_.contains(id) || offer(id, answer.value().getBody(), from)) return;
        neighbours_.accuse(from, net::wire::Violation::BAD_RECORD, "a block that is not the one asked for");
      });
}

bool ChainActor::offer(const BlockId& id, wire::ProposedBlock::Reader body, const base::NodeId& from) {
  if (candidates_.contains(id) || chain_.halted || chain_.finishing) return true;
  if (assemblies_.contains(id)) {
    assemble(id, from);
    return true;
  }
  if (assemblies_.size() >= kCandidatesMax) return true;
  auto proposed = chain::read(body, id);
  if (!proposed) return false;
  Assembly out;
  out.block = std::move(proposed->block);
  out.ids = std::move(proposed->ids);
  out.ask_next = now() + kAskNext;
  if (std::set<TxId>(out.ids.begin(), out.ids.end()).size() != out.ids.size())
    return true;  // a true body, of a block that is none
  wanted_.erase(id);
  assemblies_.emplace(id, std::move(out));
  assemble(id, from);
  return true;
}

/// Who passes on a proposal before its proposer's own push comes may add a false body, or keep what the block lacks to
/// itself. The rest is as for a first one, but each such body is of the share of who sends it.
void ChainActor::offer_again(const SignedProposal& proposal, wire::ProposedBlock::Reader body,
                             const base::NodeId& from) {
  const BlockId& id = proposal.content.block;
  const auto heard = proposal_of(id);
  if (!heard || candidates_.contains(id) || candidates_.size() >= kCandidatesMax) return;
  const bool lacks_some = assemblies_.contains(id);
  if (lacks_some && from != heard->validator) return;  // each neighbour pushes it, and one has been asked for the rest
  if (neighbours_.too_much(
          static_cast<std::uint32_t>(body.totalSize().wordCount * sizeof(capnp::word) / kPieceBytes + 1)))
    return;
  if (!offer(id, body, from))
    return neighbours_.accuse_caller(net::wire::Violation::BAD_RECORD, "a block that is not the proposed one");
  if (!lacks_some) push(*heard, from);
}

std::optional<SignedProposal> ChainActor::proposal_of(const BlockId& id) const {
  for (const SignedProposal& one : consensus_ ? consensus_->proposals() : early_proposals_)
    if (one.content.block == id) return one;
  return std::nullopt;
}

void ChainActor::assemble(const BlockId& id, const base::NodeId& from) {
  Assembly& one = assemblies_.at(id);
  std::vector<TxId> missing;
  for (const TxId& wanted_id : one.ids) {
    if (one.have.contains(wanted_id)) continue;
    if (const Approved* waiting = chain_.mempool.find(wanted_id)) one.have.emplace(wanted_id, *waiting);
    else missing.push_back(wanted_id);
  }
  if (missing.empty()) return whole(id);
  if (one.asked.size() >= kAskedAtOnceMax || one.asked.contains(from)) return;
  if (world().mutations.on("chain.missing_unasked")) return;
  one.asked.insert(from);
  if (missing.size() > kGivenAtOnce) missing.resize(kGivenAtOnce);
  ask<wire::GetTransactions, wire::Transactions>(
      neighbours_.at(from), now() + kFetchDue,
      [&](wire::GetTransactions::Builder out) {
        out.setChain(data_of(chain_.id.view()));
        chain::write(out.initIds(size32(missing)), missing);
      },
      [this, id, from,
       asked = std::set<TxId>(missing.begin(), missing.end())](runtime::Answer<wire::Transactions> answer) {
        const auto found = assemblies_.find(id);
        if (found == assemblies_.end()) return;
        found->second.asked.erase(from);
        if (!answer.ok()) return;
        bool more = false;
        for (Approved& given : read_given(from, answer.value(), asked)) {
          const TxId tx = given.id();
          more = found->second.have.emplace(tx, std::move(given)).second || more;
        }
        if (more) assemble(id, from);
      });
}

/// Who brought the block may keep what it lacks to itself. Its proposer has all of it, and each validator may.
void ChainActor::assemble_anew(const BlockId& id) {
  Assembly& one = assemblies_.at(id);
  if (now() < one.ask_next) return;
  one.ask_next = now() + kAskNext;
  std::vector<base::NodeId> validators, others;
  for (const auto& [node_id, neighbour] : neighbours_.all())
    if (!one.asked.contains(node_id)) (chain_.is_validator(node_id) ? validators : others).push_back(node_id);
  const base::NodeId proposer = one.block.header.proposer;
  if (std::ranges::find(validators, proposer) != validators.end()) return assemble(id, proposer);
  const auto& some = validators.empty() || random().below(4) == 0 ? others : validators;
  if (!some.empty()) assemble(id, some[random().below(some.size())]);
}

void ChainActor::whole(const BlockId& id) {
  auto one = assemblies_.extract(id);
  Assembly& assembly = one.mapped();
  std::vector<Approved> transactions;
  transactions.reserve(assembly.ids.size());
  for (const TxId& tx : assembly.ids) transactions.push_back(assembly.have.at(tx));
  add(judge(chain_, std::move(assembly.block), std::move(transactions), world().mutations));
}

// -- final

void ChainActor::finish(std::shared_ptr<const Candidate> candidate, const Commit& commit, bool synced) {
  chain_.finishing = true;
  timeouts_.clear();
  const Header& header = candidate->block.header;
  const auto context = context_of(candidate->block, chain_.owner_of(header.proposer));
  base::ensure(context.has_value(), "the lists of a valid block can be read");
  chain_.ledger.run(*context, candidate->transactions,
                    [this, candidate, commit, synced](base::Outcome<std::shared_ptr<const Executed>> ran) {
                      if (!ran.ok()) return reopen("a block could not be run: " + ran.error().message);
                      chain_.ledger.append(
                          candidate->block, candidate->bytes, commit, candidate->transactions, ran.value(),
                          [this, candidate, commit, synced, executed = ran.value()](const base::Outcome<void>& kept) {
                            if (kept.ok()) {
                              head_block_ = candidate;
                              return finished(*candidate, commit, *executed, synced);
                            }
                            // It is decided, and maybe not here: it comes again from a neighbour, or from the votes.
                            reopen("a block could not be kept: " + kept.error().message);
                          });
                    });
}

void ChainActor::finished(const Candidate& candidate, const Commit& commit, const Executed& executed, bool synced) {
  const Header& header = candidate.block.header;
  auto& counters = *chain_.settings.counters;
  ++counters.blocks;
  counters.height = header.height.value;
  counters.transactions += candidate.transactions->size();
  if (synced) {
    ++counters.synced;
    world().mutations.sometimes("chain: a block came whole from a neighbour");
  }
  if (header.height.value > 1) {
    spans_.push_back(header.time - head_time_);
    counters.block_ms += static_cast<std::uint64_t>(spans_.back().count());
  }
  head_time_ = header.time;
  if (spans_.size() > kSpans) spans_.pop_front();
  const bool mine = chain_.validator_here().has_value();
  if (mine && std::ranges::find(commit.votes, chain_.settings.self(), &CommitVote::validator) == commit.votes.end())
    ++counters.missed;
  heard_quorum_ = now();
  rejoining_.remember(commit);
  barren_ = candidate.transactions->empty();
  for (const Approved& one : *candidate.transactions) fetching_.done(one.id());
  hear_evidence(candidate.block);
  if (std::ranges::any_of(executed.receipts, [](const Receipt& one) { return one.outcome == Outcome::nonce; }))
    world().mutations.sometimes("chain: a block has a transaction before the one that it waits for");
  settle(candidate, executed);
  next_height();
  neighbours_.tell_head();
  heads_.check_heads();
  tell_watchers();
  for (std::size_t i = 0; i < executed.receipts.size(); ++i)
    if (!may_wait(executed.receipts[i].outcome)) tell_waiters(executed.receipts[i].id);
  tell_account_waiters();
  sync_.take_next();
}

/// What waits is held against the state after the block.
void ChainActor::settle(const Candidate& candidate, const Executed& executed) {
  std::set<wallet::Address> touched;
  for (std::size_t i = 0; i < candidate.transactions->size(); ++i) {
    const Approved& one = (*candidate.transactions)[i];
    const Transaction& content = one.content();
    touched.insert({content.from, content.payer()});
    if (const auto* transfer = std::get_if<Transfer>(&content.body))
      for (const wallet::Credit& credit : transfer->credits) touched.insert(credit.to);
    if (refused(executed.receipts[i].outcome) && !may_wait(executed.receipts[i].outcome)) chain_.mempool.drop(one.id());
  }
  settle(touched);
}

/// A block that could not be kept may be here all the same: its transactions wait no longer.
void ChainActor::settle_all() {
  std::set<wallet::Address> touched;
  for (const Approved* one : chain_.mempool.some({}, chain_.mempool.count()))
    touched.insert({one->content().from, one->content().payer()});
  if (!touched.empty()) settle(touched);
}

void ChainActor::settle(const std::set<wallet::Address>& touched) {
  const auto accounts = std::make_shared<std::map<wallet::Address, Account>>();
  chain_.ledger.with_rows(
      [this, touched, accounts] {
        StateView view = chain_.ledger.view();
        for (const auto& address : touched) (*accounts)[address] = view.account(address);
        return !view.damage();
      },
      [this, accounts](const base::Outcome<void>& read) {
        if (!read.ok()) return failed(read.error().message);
        if (world().mutations.on("chain.pool_not_settled")) return;
        for (const auto& [address, account] : *accounts) {
          chain_.mempool.settle(address, account.nonce, account.balance);
          tell_what_may_go(address);  // a nonce that was missing may have come with the block
        }
        chain_.mempool.expire(chain_.ledger.head().height);
        chain_.settings.counters->pending = chain_.mempool.count();
      });
}

}  // namespace troupe::chain
