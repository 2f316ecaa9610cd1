// Blocks of the next height: building, running and storing them.
#include <algorithm>

#include "actors/chain/chain_actor.hpp"
#include "actors/chain/wire.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;

constexpr std::size_t kSpans = 100;  // messages/chain.capnp: blockTimeMs

/// Applies a transaction for the checks of the following one. The machine does the same once the block is decided.
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
  for (const auto& [liar, evidence] : chain_.evidence) proofs.push_back(evidence);
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
        if (!chain_.consensus || chain_.consensus->place().height != block.header.height ||
            block.header.fork != chain_.fork)
          return;
        for (const TxId& id : picked->refused) chain_.mempool.drop(id);
        chain_.settings.counters->pending = chain_.mempool.count();
        seal(block, picked->transactions);
        auto candidate = judge(chain_, std::move(block), std::move(picked->transactions), world().mutations);
        base::ensure(candidate->verdict == Verdict::valid, "a block that is built here is valid here");
        assembly_.candidates()[candidate->id] = candidate;
        chain_.consensus->built(round, candidate->id, candidate->block.header.time);
        drive();
      });
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
                            if (kept.ok()) return finished(candidate, commit, *executed, synced);
                            // It is decided, but may not be stored: it comes again from a neighbour or by votes.
                            reopen("a block could not be stored: " + kept.error().message);
                          });
                    });
}

void ChainActor::finished(const std::shared_ptr<const Candidate>& candidate, const Commit& commit,
                          const Executed& executed, bool synced) {
  const Header& header = candidate->block.header;
  auto& counters = *chain_.settings.counters;
  ++counters.blocks;
  counters.height = header.height.value;
  counters.transactions += candidate->transactions->size();
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
  gossip_.is_final(candidate);
  chain_.hear_evidence(candidate->block);
  if (std::ranges::any_of(executed.receipts, [](const Receipt& one) { return one.outcome == Outcome::nonce; }))
    world().mutations.sometimes("chain: a block has a transaction before the one that it waits for");
  pool_.settle(*candidate, executed);
  next_height();
  neighbours_.tell_head();
  heads_.check_heads();
  queries_.tell_watchers();
  for (std::size_t i = 0; i < executed.receipts.size(); ++i)
    if (!may_wait(executed.receipts[i].outcome)) requests_.tell_waiters(executed.receipts[i].id);
  requests_.tell_account_waiters();
  sync_.take_next();
}

}  // namespace troupe::chain
